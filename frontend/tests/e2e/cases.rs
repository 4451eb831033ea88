//! All cases, in the order in which they make best use of what the one before has built.

mod accelerators;
mod builder;
mod chef;
mod ci;
mod cross;
mod cuda;
mod devices;
mod edits;
mod errors;
mod hello;
mod inference;
mod kernels;
mod layout;
mod options;
mod poison;
mod registries;
mod ripgrep;
mod shop;
mod sources;
mod supply;
mod toolkits;
mod unchanged;
mod unseen;
mod ways;

use libtest_mimic::Trial;

use crate::{Result, clock, conformance};

/// The tests, first to last.
pub(crate) fn all() -> Vec<Trial> {
    let mut tests = vec![
        test("hello_runs_as_its_manifest_says", hello::runs_as_its_manifest_says),
        test("hello_says_what_its_source_now_says", hello::says_what_its_source_now_says),
        test("links_of_the_base_stay", hello::links_of_the_base_stay),
        test("a_directory_of_the_base_stays", hello::a_directory_of_the_base_stays),
        test("one_bake_makes_two_services_and_a_client_that_agree", inference::services_and_client_agree),
        test("at_most_one_compiler_per_cpu", unseen::at_most_one_compiler_per_cpu),
        test("images_of_one_bake_compile_shared_packages_once", unseen::shared_packages_are_compiled_once),
        test("nothing_changed_and_nothing_runs", unchanged::nothing_runs),
        test("the_same_tree_has_the_same_digests", unchanged::same_digests),
        test("a_file_of_no_package_runs_nothing", unchanged::a_readme_runs_nothing),
        test("many_sources_are_read_once", unchanged::many_sources_are_read_once),
        test("a_setting_compiles_nothing", unchanged::a_setting_compiles_nothing),
        test(
            "a_member_more_compiles_nothing_at_the_root",
            unchanged::a_member_more_compiles_nothing_at_the_root,
        ),
        test("a_new_source_name_only_runs_the_plan", unchanged::a_new_name_only_runs_the_plan),
        test("an_edited_leaf_runs_alone", edits::leaf),
        test("an_edited_library_runs_with_its_dependents", edits::library),
        test("an_edited_model_runs_who_includes_it_and_changes_the_answer", edits::model),
        test("an_edited_proto_runs_who_declares_it_and_changes_the_code", edits::proto),
        test("a_locked_version_runs_with_its_dependents", edits::locked_version),
        test("examples_of_ci_are_understood", ci::examples_are_understood),
        test("machines_compile_nothing_that_is_in_the_registry", ci::machines_share_a_cache),
        test("an_examples_cache_has_both_plans", ci::an_examples_cache_has_both_plans),
    ];
    tests.extend([
        test("what_used_cargo_chef_builds_and_answers", chef::services_build_and_answer),
        test("an_edit_of_one_service_compiles_that_service", chef::an_edit_compiles_one_service),
        test("what_no_stage_uses_is_not_compiled", chef::only_what_is_used_is_compiled),
        test("a_mistake_in_a_dockerfile_is_shown_there", chef::a_mistake_in_the_dockerfile_is_shown_there),
    ]);
    tests.extend([
        test("an_image_has_what_it_is_given", shop::an_image_has_what_it_is_given),
        test("another_commit_compiles_nothing", shop::another_commit_compiles_nothing),
        test("an_image_of_files_only", shop::an_image_of_files_only),
        test("arguments_and_secrets_reach_who_names_them", shop::arguments_and_secrets_reach_who_names_them),
        test("a_wrong_checksum_names_the_asset", shop::a_wrong_checksum_names_the_asset),
        test("no_cache_runs_everything", shop::no_cache_runs_everything),
        test("an_image_that_could_not_start_is_refused", shop::an_image_that_could_not_start_is_refused),
        test("a_static_program_needs_no_base", shop::a_static_program_needs_no_base),
        test("a_smoke_test_comes_before_shipping", shop::a_smoke_test_comes_before_shipping),
        test("settings_can_have_a_file_of_their_own", ways::a_file_of_its_own),
        test("contexts_can_come_from_elsewhere", ways::contexts_from_elsewhere),
        test("targets_of_one_bake_file_use_each_other", ways::targets_of_one_bake_file_use_each_other),
        test("a_dockerfile_takes_a_library", ways::a_dockerfile_takes_a_library),
        test("questions_are_answered", ways::questions_are_answered),
        test("a_check_of_a_broken_workspace_fails", ways::a_check_of_a_broken_workspace_fails),
        test("warnings_survive_the_cache", ways::warnings_survive_the_cache),
        test("an_image_says_what_it_is_made_of", supply::an_image_says_what_it_is_made_of),
        test("two_daemons_make_one_image", supply::two_daemons_make_one_image),
    ]);
    tests.extend([
        test("a_cache_mount_hides_no_change", poison::changed_inputs),
        test("what_a_script_writes_beside_its_sources", poison::generated_sources),
        test("sources_that_others_than_their_package_read", poison::sources_read_by_others),
        test("a_cache_mount_serves_builds_at_once", poison::builds_at_once),
        test("a_damaged_cache_mount_damages_nothing", poison::damaged_mounts),
        test("a_cache_mount_is_for_one_compiler", poison::other_compilers),
        test("a_cache_mount_is_for_one_platform", poison::other_platforms),
        test("a_cache_mount_is_for_one_toolchain", poison::another_toolchain),
        test("a_cache_mount_is_for_one_repository", poison::another_repository),
    ]);
    tests.extend([
        test("containers_are_as_asked_for", options::containers_are_as_asked_for),
        test("ignore_files_hide", options::ignore_files_hide),
        test("the_entry_file_on_standard_input", options::the_entry_file_on_standard_input),
        test("a_layout_as_a_base", options::a_layout_as_a_base),
        test("a_base_is_pulled_again", options::a_base_is_pulled_again),
        test("policies_are_obeyed", options::policies_are_obeyed),
        test("one_package_is_compiled_again", options::one_package_is_compiled_again),
        test("small_packages_share_steps", options::small_packages_share_steps),
        test("what_cannot_be_compiled_stops_its_users", options::what_cannot_be_compiled_stops_its_users),
        test("labels_and_annotations", options::labels_and_annotations),
        test("arguments_for_cargo", options::arguments_for_cargo),
        test(
            "flags_of_an_argument_and_of_the_configuration",
            options::flags_of_an_argument_and_of_the_configuration,
        ),
        test(
            "a_configured_target_and_wrapper_are_left_out",
            options::a_configured_target_and_wrapper_are_left_out,
        ),
        test("arguments_of_buildkit_and_of_terminals", options::arguments_of_buildkit_and_of_terminals),
        test("a_directory_as_a_base", options::a_directory_as_a_base),
    ]);
    tests.extend([
        test("two_platforms_share_what_runs_here", cross::two_platforms_share_what_runs_here),
        test("an_index_has_an_image_for_each_platform", cross::an_index_has_an_image_for_each),
        test("a_static_program_for_another_platform", cross::static_programs_for_another_platform),
        test("a_level_of_the_processor", cross::a_level_of_the_processor),
        test("web_assembly_is_a_platform", cross::web_assembly),
    ]);
    tests.extend([
        test("what_no_accelerator_changes_is_shared", accelerators::what_does_not_differ_is_shared),
        test("kernels_outlive_edits_of_rust", accelerators::kernels_outlive_edits_of_rust),
        test("images_say_what_they_are_for", accelerators::images_say_what_they_are_for),
        test("another_architecture_does_not_ship", accelerators::another_architecture_does_not_ship),
        test("a_dockerfile_takes_an_accelerators_program", accelerators::a_dockerfile_takes_one),
        test("a_level_of_the_cpu_is_an_image", accelerators::a_level_is_an_image),
        test("questions_know_accelerators", accelerators::questions_know_accelerators),
        test("a_service_for_a_gpu_shares_the_rest", kernels::a_service_for_a_gpu_shares_the_rest),
        test("the_model_as_web_assembly", kernels::the_model_as_web_assembly),
        test("code_for_several_on_two_platforms", cuda::code_for_several_on_two_platforms),
        test("a_launcher_knows_the_cpu", layout::a_launcher_knows_the_cpu),
        test("a_shader_has_its_version", layout::a_shader_has_its_version),
        test("a_launcher_asks_the_driver", layout::a_launcher_asks_the_driver),
        test("a_repository_is_mounted", layout::a_repository_is_mounted),
        test("a_member_runs_on_nvidias_processors", devices::a_member_runs_on_nvidias),
        test("a_toolchain_without_the_devices_library", devices::a_toolchain_without_the_devices_library),
    ]);
    tests.extend([
        test("packages_of_a_repository", sources::packages_of_a_repository),
        test("a_commit_in_all_the_ways_to_say_it", sources::a_commit_in_all_the_ways_to_say_it),
        test("a_private_repository", sources::a_private_repository),
        test("a_commit_that_is_gone", sources::a_commit_that_is_gone),
        test(
            "vendored_packages_come_from_the_workspace",
            registries::vendored_packages_come_from_the_workspace,
        ),
        test(
            "a_vendored_package_that_is_missing_or_changed",
            registries::a_vendored_package_that_is_missing_or_changed,
        ),
        test("a_workspace_below_the_root_of_the_context", sources::a_workspace_below_the_root_of_the_context),
        test("features_and_targets_of_older_workspaces", sources::features_and_targets_of_older_workspaces),
        test("a_registry_that_asks_for_a_token", registries::a_registry_that_asks_for_a_token),
        test("a_registry_with_a_repository_as_index", registries::a_registry_with_a_repository_as_index),
        test("a_mirror_of_crates_io", registries::a_mirror_of_crates_io),
        test("archives_of_the_workspace", registries::archives_of_the_workspace),
        test("system_packages_are_installed_once", builder::system_packages_are_installed_once),
        test("a_package_that_there_is_none_of", builder::a_package_that_there_is_none_of),
        test("tools_of_the_system_make_something", builder::tools_of_the_system_make_something),
        test("a_toolchain_file_chooses_the_image", builder::a_toolchain_file_chooses_the_image),
        test(
            "rustup_installs_what_a_toolchain_file_asks_for",
            builder::rustup_installs_what_a_toolchain_file_asks_for,
        ),
        test("an_image_without_rustup", builder::an_image_without_rustup),
        test("one_crate_has_variables_of_its_own", builder::one_crate_has_variables_of_its_own),
        test(
            "a_library_of_the_workspace_reaches_who_links_it",
            builder::a_library_of_the_workspace_reaches_who_links_it,
        ),
        test("a_network_is_allowed_by_name", builder::a_network_is_allowed_by_name),
    ]);
    tests.extend(errors::all());
    tests.extend(conformance::always());
    tests.push(test("ripgrep_searches_like_one_built_by_cargo", ripgrep::searches_alike));
    tests
}

fn test(name: &str, body: fn() -> Result) -> Trial {
    clock::trial(name, body)
}

/// Those that the oldest engine and client have to pass.
const OLDEST: [&str; 10] = [
    "hello_runs_as_its_manifest_says",
    "hello_says_what_its_source_now_says",
    "what_used_cargo_chef_builds_and_answers",
    "an_edit_of_one_service_compiles_that_service",
    "what_no_stage_uses_is_not_compiled",
    "another_commit_compiles_nothing",
    "arguments_and_secrets_reach_who_names_them",
    "an_image_that_could_not_start_is_refused",
    "a_static_program_needs_no_base",
    "a_dockerfile_takes_a_library",
];

/// What an engine passes besides that has no exported caches, attestations and platforms in its image store.
const ANY_STORE: [&str; 5] = [
    "an_image_has_what_it_is_given",
    "settings_can_have_a_file_of_their_own",
    "contexts_can_come_from_elsewhere",
    "questions_are_answered",
    "warnings_survive_the_cache",
];

/// Those of [`OLDEST`].
pub(crate) fn of_the_oldest() -> Vec<Trial> {
    chosen(&OLDEST)
}

/// Those, and those of [`ANY_STORE`].
pub(crate) fn of_any_store() -> Vec<Trial> {
    chosen(&[OLDEST.as_slice(), &ANY_STORE].concat())
}

fn chosen(names: &[&str]) -> Vec<Trial> {
    let chosen: Vec<Trial> = all().into_iter().filter(|trial| names.contains(&trial.name())).collect();
    assert_eq!(chosen.len(), names.len(), "a name of no test");
    chosen
}

/// Those that need toolkits which are too large for every run.
pub(crate) fn of_more_accelerators() -> Vec<Trial> {
    vec![
        test("one_image_for_two_of_amds_gpus", accelerators::one_image_for_two_gpus),
        test("a_missing_architecture_does_not_ship", accelerators::a_missing_architecture_does_not_ship),
        test("a_service_for_amds_gpus", kernels::a_service_for_amds_gpus),
        test("a_member_runs_on_amds_processors", devices::a_member_runs_on_amds),
        test("a_static_program_with_musl", cross::static_for_musl),
        test("a_layer_is_compiled_for_tpus", toolkits::a_layer_is_compiled_for_tpus),
        test("a_library_of_the_toolkit_comes_along", toolkits::a_library_of_the_toolkit_comes_along),
        test("candle_compiles_its_kernels_once", toolkits::candle_compiles_its_kernels_once),
    ]
}

/// Removes what tests share.
pub(crate) fn clean_up() {
    unseen::clean_up();
}

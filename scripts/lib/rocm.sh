# shellcheck shell=bash
# An image with a compiler for AMD's processors where AMD's images have it, from
# Debian. Only on demand: the tests of all accelerators are not part of every
# run.

ROCM_IMAGE=longshore/rocm:debian

# rocm_load NAME: the image, in that engine.
rocm_load() {
  local name=$1 dir=$STATE/images recipe
  recipe=$(recipe_of "$LIB/rocm-build.sh" "$LIB/archive.sh")
  if has_recipe "$name" "$ROCM_IMAGE" "$recipe"; then
    say "$ROCM_IMAGE is there"
    return
  fi
  [[ -d $dir/rocm-$recipe ]] ||
    from_debian "$ROCM_IMAGE" "$dir/rocm.log" "$LIB/rocm-build.sh" "$dir" "rocm-$recipe"
  image_of_tree "$name" "$ROCM_IMAGE" "$dir/rocm-$recipe" /opt/rocm "$recipe"
}

//! States descriptors as a set of sentences, one for each thing that shows on the wire, so that two
//! renderings of one contract can be compared whatever their order, files and comments.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use std::collections::{BTreeMap, BTreeSet};

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet, ServiceDescriptorProto,
};

/// The sentences on each message, enum and service.
#[derive(Default)]
pub(crate) struct Facts {
    by_owner: BTreeMap<String, Owner>,
}

struct Owner {
    package: String,
    facts: BTreeSet<String>,
}

impl Facts {
    pub(crate) fn of(set: &FileDescriptorSet) -> Self {
        let mut facts = Self::default();
        // protobuf's own messages come with prost-types.
        for file in set.file.iter().filter(|file| file.package() != "google.protobuf") {
            let package = file.package();
            for message in &file.message_type {
                facts.add_message(package, package, message);
            }
            for r#enum in &file.enum_type {
                facts.add_enum(package, package, r#enum);
            }
            for service in &file.service {
                facts.add_service(package, service);
            }
        }
        facts
    }

    pub(crate) fn all(&self) -> BTreeSet<String> {
        self.by_owner.values().flat_map(|owner| owner.facts.iter().cloned()).collect()
    }

    /// The packages something is said about.
    pub(crate) fn packages(&self) -> BTreeSet<&str> {
        self.by_owner.values().map(|owner| &*owner.package).collect()
    }

    /// The sentences `ours` has to contain: all of every package it has something of, but of the
    /// packages `in_part` only those on messages, enums and services that `ours` has.
    pub(crate) fn required_of(&self, ours: &Self, in_part: &[&str]) -> BTreeSet<String> {
        let packages = ours.packages();
        self.by_owner
            .iter()
            .filter(|(name, owner)| {
                let package = &*owner.package;
                packages.contains(package)
                    && (!in_part.contains(&package) || ours.by_owner.contains_key(*name))
            })
            .flat_map(|(_, owner)| owner.facts.iter().cloned())
            .collect()
    }

    fn add_message(&mut self, package: &str, scope: &str, message: &DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        for nested in &message.nested_type {
            self.add_message(package, &name, nested);
        }
        for nested in &message.enum_type {
            self.add_enum(package, &name, nested);
        }
        let is_map_entry = message.options.as_ref().is_some_and(|options| options.map_entry());
        let mut facts = vec![format!("{} {name}", if is_map_entry { "map entry" } else { "message" })];
        facts.extend(message.field.iter().map(|field| field_fact(&name, message, field)));
        self.add(package, name, facts);
    }

    fn add_enum(&mut self, package: &str, scope: &str, r#enum: &EnumDescriptorProto) {
        let name = format!("{scope}.{}", r#enum.name());
        let mut facts = vec![format!("enum {name}")];
        facts
            .extend(r#enum.value.iter().map(|value| format!("{name}.{} = {}", value.name(), value.number())));
        self.add(package, name, facts);
    }

    fn add_service(&mut self, package: &str, service: &ServiceDescriptorProto) {
        let name = format!("{package}.{}", service.name());
        let mut facts = vec![format!("service {name}")];
        let stream = |streaming| if streaming { "stream " } else { "" };
        facts.extend(service.method.iter().map(|method| {
            format!(
                "{name}.{}({}{}) returns {}{}",
                method.name(),
                stream(method.client_streaming()),
                method.input_type(),
                stream(method.server_streaming()),
                method.output_type()
            )
        }));
        self.add(package, name, facts);
    }

    fn add(&mut self, package: &str, name: String, facts: Vec<String>) {
        let owner = Owner { package: package.to_owned(), facts: facts.into_iter().collect() };
        let twice = self.by_owner.insert(name.clone(), owner).is_some();
        assert!(!twice, "`{name}` is declared twice");
    }
}

fn field_fact(owner: &str, message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let label = match field.label() {
        Label::Optional => "optional",
        Label::Repeated => "repeated",
        Label::Required => "required",
    };
    let r#type = match field.r#type() {
        Type::Message | Type::Enum => field.type_name().to_owned(),
        scalar => format!("{scalar:?}"),
    };
    let oneof = match field.oneof_index {
        Some(index) => {
            let oneof = &message.oneof_decl[usize::try_from(index).unwrap()];
            format!(" in oneof {}", oneof.name())
        }
        None => String::new(),
    };
    let packed = match field.options.as_ref().and_then(|options| options.packed) {
        Some(packed) => format!(" packed {packed}"),
        None => String::new(),
    };
    format!("{owner}.{} = {}: {label} {type}{oneof}{packed}", field.name(), field.number())
}

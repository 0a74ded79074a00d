//! Takes the descriptors of Envoy's messages out of the envoy-types crate, which ships them beside
//! its sources without a Rust symbol for them, and drops the comments (four fifths of the bytes).

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{FieldDescriptorProto, FileDescriptorSet};

fn main() -> Result<(), Box<dyn Error>> {
    let source = descriptors()?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../Cargo.lock");
    println!("cargo::rerun-if-changed={}", source.display());

    let mut set = FileDescriptorSet::decode(fs::read(source)?.as_slice())?;
    for file in &mut set.file {
        file.source_code_info = None;
    }
    add_health_check_name(&mut set);
    fs::write(Path::new(&env::var("OUT_DIR")?).join("descriptors.bin"), set.encode_to_vec())?;
    Ok(())
}

/// Envoy 1.40 has `HealthCheck.name`, which envoy-types 0.7.7 does not know yet.
fn add_health_check_name(set: &mut FileDescriptorSet) {
    let message = set
        .file
        .iter_mut()
        .filter(|file| file.package() == "envoy.config.core.v3")
        .flat_map(|file| &mut file.message_type)
        .find(|message| message.name() == "HealthCheck");
    if let Some(message) = message.filter(|message| message.field.iter().all(|field| field.name() != "name")) {
        let mut field = FieldDescriptorProto {
            name: Some("name".to_owned()),
            number: Some(27),
            json_name: Some("name".to_owned()),
            ..Default::default()
        };
        field.set_type(Type::String);
        field.set_label(Label::Optional);
        message.field.push(field);
    }
}

/// Where the envoy-types that this build links keeps its descriptors.
fn descriptors() -> Result<PathBuf, Box<dyn Error>> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--offline", "--format-version", "1", "--filter-platform", &env::var("TARGET")?])
        .args(["--manifest-path", &format!("{}/Cargo.toml", env::var("CARGO_MANIFEST_DIR")?)])
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let manifest = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "envoy-types")
        .and_then(|package| package["manifest_path"].as_str())
        .ok_or("envoy-types is not among the dependencies")?;
    Ok(Path::new(manifest).with_file_name("src").join("generated").join("types.bin"))
}

//! The package that makes a program of an application: of Linux, or for Xen.

use std::fs;
use std::path::{Path, PathBuf};

use super::cargo::Package;
use super::{cannot_write, quoted, write_changed};
use crate::cli::Below;
use crate::failure::Failure;

/// What makes a program: templates, in which `@name@` and the like are filled in.
struct Templates {
    manifest: &'static str,
    main: &'static str,
    /// What becomes of files that are to be in the program.
    embedded: &'static str,
    /// For a program with them, and for one without.
    build: [Option<&'static str>; 2],
}

const LINUX: Templates = Templates {
    manifest: include_str!("template/program.toml.in"),
    main: include_str!("template/program.rs.in"),
    embedded: r#"Some(parhelion::embed!(concat!(env!("OUT_DIR"), "/content.archive")))"#,
    build: [Some(include_str!("template/content.rs.in")), None],
};

const XEN: Templates = Templates {
    manifest: include_str!("template/guest.toml.in"),
    main: include_str!("template/guest.rs.in"),
    embedded: r#"Some(guest::embed!(concat!(env!("OUT_DIR"), "/content.archive")))"#,
    build: [Some(include_str!("template/guest-build.rs.in")); 2],
};

/// Writes it, with the files of `content` in it; tells where.
pub(super) fn write(
    package: &Package,
    source: &Path,
    content: Option<&Path>,
    below: Below,
) -> Result<PathBuf, Failure> {
    let (templates, end) = match below {
        Below::Linux => (&LINUX, ""),
        Below::Xen => (&XEN, "-xen"),
    };
    let name = format!("{}{end}", package.name);
    let folder = package.target.join("parhelion").join(name);
    let build = templates.build[usize::from(content.is_none())];
    let packing = r#"pack::build(@directory@, "content.archive")"#;
    let filled = |text: &str| {
        text.replace(
            "@packing@",
            content.map_or("std::process::ExitCode::SUCCESS", |_| packing),
        )
        .replace("@name@", &package.name)
        .replace("@folder@", &quoted(&package.folder))
        .replace("@host@", &quoted(&source.join("host")))
        .replace("@guest@", &quoted(&source.join("guest")))
        .replace("@script@", &quoted(&source.join("guest/linker.ld")))
        .replace("@pack@", &quoted(&source.join("pack")))
        .replace("@directory@", &quoted(content.unwrap_or(Path::new(""))))
        .replace("@build@", build.map_or("false", |_| "\"build.rs\""))
        .replace("@content@", content.map_or("None", |_| templates.embedded))
    };
    let mut manifest = filled(templates.manifest);
    if content.is_some() {
        manifest += &filled(include_str!("template/content.toml.in"));
    }
    let write = || {
        fs::create_dir_all(folder.join("src"))?;
        write_changed(
            &folder.join("src/main.rs"),
            filled(templates.main).as_bytes(),
        )?;
        if let Some(build) = build {
            write_changed(&folder.join("build.rs"), filled(build).as_bytes())?;
        }
        // With the versions that this project was tested with.
        if write_changed(&folder.join("Cargo.toml"), manifest.as_bytes())? {
            fs::copy(source.join("Cargo.lock"), folder.join("Cargo.lock"))?;
        }
        Ok(())
    };
    write().map_err(|error| cannot_write(&folder, &error))?;
    Ok(folder)
}

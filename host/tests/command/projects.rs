//! An application of one's own, from an empty folder to a page; and what is said where there is none.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};

use crate::bench::Bench;
use crate::server::{end, signal};

#[test]
fn from_an_empty_folder_to_a_page_and_what_can_go_wrong() {
    let bench = Bench::new();
    // An application is not taken for a member of what its folder happens to be in.
    fs::write(bench.path("Cargo.toml"), "[workspace]\n").unwrap();
    let (code, output, errors) = bench.run("", &["new", "page"]);
    assert_eq!((code, errors.as_str()), (0, ""), "{output}");
    bench.fails("", &["new", "page"], 2, &["page", "exists"]);
    let readme = fs::read_to_string(bench.path("page/README.md")).unwrap();
    assert_eq!(readme.lines().count(), 10, "{readme}");

    let (code, output, errors) = bench.run("page", &["run", "--on", "sim", "--faults=loss=5%"]);
    assert_eq!(code, 0, "{errors}");
    assert!(
        output.contains("200 OK") && output.contains("Hello from page."),
        "{output}"
    );
    serves_on_sockets(&bench);
    std_is_found(&bench);
    mistakes_of_the_compiler_are_shown(&bench);
    reads_what_is_typed(&bench);
    brings_its_files(&bench);
}

/// The program that `build` has made is stopped like the command itself.
fn serves_on_sockets(bench: &Bench) {
    let (code, program, errors) = bench.run("page/src", &["build"]);
    assert_eq!(code, 0, "{errors}");
    let ready = bench.path("ready");
    let publish = crate::server::publish();
    let child = Command::new(program.trim_end())
        .args(["--on=sockets", &publish, "--ready-file"])
        .arg(&ready)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = std::time::Instant::now();
    while !ready.exists() && start.elapsed().as_secs() < 30 {
        std::thread::sleep(core::time::Duration::from_millis(2));
    }
    let url = fs::read_to_string(&ready).unwrap();
    let (code, page, errors) = bench.run("", &["get", url.trim_end()]);
    assert_eq!(
        (code, page.contains("Hello from page.")),
        (0, true),
        "{errors}"
    );
    signal(child.id());
    let (code, output, errors) = end(child);
    assert_eq!(code, 0, "{errors}");
    assert!(output.contains("Parhelion serves page at"), "{output}");
}

fn std_is_found(bench: &Bench) {
    let manifest = bench.path("page/Cargo.toml");
    let before = fs::read_to_string(&manifest).unwrap();
    let folder = bench.path("helper");
    fs::create_dir_all(folder.join("src")).unwrap();
    let helper = "[package]\nname = \"helper\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[workspace]\n\
                  [features]\nstd = []\n";
    fs::write(folder.join("Cargo.toml"), helper).unwrap();
    fs::write(folder.join("src/lib.rs"), "//! Needs it.\n").unwrap();
    let with = |dependency: &str| before.replace("[dev-", &format!("helper = {dependency}\n[dev-"));
    fs::write(&manifest, with("{ path = \"../helper\" }")).unwrap();
    bench.fails(
        "page",
        &["build"],
        2,
        &["page has `std`", "helper needs it", "cargo tree"],
    );
    fs::write(folder.join("src/lib.rs"), "#![no_std]\n").unwrap();
    fs::write(
        &manifest,
        with("{ path = \"../helper\", features = [\"std\"] }"),
    )
    .unwrap();
    bench.fails("page", &["build"], 2, &["helper has its feature `std` on"]);
    fs::write(&manifest, before).unwrap();
}

fn mistakes_of_the_compiler_are_shown(bench: &Bench) {
    let library = bench.path("page/src/lib.rs");
    let before = fs::read_to_string(&library).unwrap();
    let with = |from: &str, to: &str| {
        assert!(before.contains(from), "{from}");
        fs::write(&library, before.replace(from, to)).unwrap();
    };
    with("#![no_std]", "");
    bench.fails(
        "page",
        &["run"],
        2,
        &["page is not a no_std library", "#![no_std]"],
    );
    with(
        "-> Result<(), Failure> {",
        "-> Result<(), Failure> { missing();",
    );
    let shown = bench.fails("page", &["run"], 2, &["page was not built"]);
    assert!(
        shown.contains("error[E0425]") && shown.contains("src/lib.rs:"),
        "{shown}"
    );
    with(
        "pub async fn main(env: Env)",
        "pub async fn main(env: Env, _other: u8)",
    );
    let signature = [
        "page has no usable main",
        "pub async fn main(env: Env) -> Result<(), Failure>",
    ];
    let shown = bench.fails("page", &["run"], 2, &signature);
    assert!(shown.contains("application::main"), "{shown}");
    fs::write(&library, before).unwrap();
}

/// It needs no port, and what it printed stands before why it ended.
fn reads_what_is_typed(bench: &Bench) {
    const LIBRARY: &str = "#![no_std]\nuse runtime::{Env, Failure};\n\
        pub async fn main(env: Env) -> Result<(), Failure> {\n\
        while let Some(line) = env.line().await { env.console.print(format_args!(\"heard {line}\")); }\n\
        Err(\"no more lines\")?\n}\n";
    fs::write(bench.path("page/src/lib.rs"), LIBRARY).unwrap();
    let typed = bench.path("typed");
    fs::write(&typed, "one\ntwo").unwrap();
    let publish = crate::server::publish();
    let mut command = bench.command("page", &["run", "--on=sockets", &publish]);
    command.stdin(fs::File::open(typed).unwrap());
    let (code, output, errors) = end(command.spawn().unwrap());
    assert_eq!(
        (code, output.as_str()),
        (1, "heard one\nheard two\n"),
        "{errors}"
    );
    let last = errors.lines().last().unwrap_or_default();
    assert_eq!(last, "parhelion: the application ended: no more lines");
}

/// Its files are part of the program, compressed, and as they are when it is built.
fn brings_its_files(bench: &Bench) {
    const LIBRARY: &str = "#![no_std]\nuse runtime::{Env, Failure};\n\
        pub async fn main(env: Env) -> Result<(), Failure> {\n\
        let file = env.open(\"a/page.html\").await?;\n\
        let (start, codings) = (file.read(0..3).await?, file.metadata().codings);\n\
        env.console.print(format_args!(\"{:?} {codings:?}\", core::str::from_utf8(&start)));\n\
        Ok(())\n}\n";
    fs::write(bench.path("page/src/lib.rs"), LIBRARY).unwrap();
    let folder = bench.path("page/content/a");
    fs::create_dir_all(&folder).unwrap();
    let publish = crate::server::publish();
    let run = ["run", "--on=sockets", &publish, "--content=content"];
    for (text, expected) in [
        (
            "old".repeat(1000),
            "Ok(\"old\") [\"br\", \"zstd\", \"gzip\"]\n",
        ),
        ("new".to_owned(), "Ok(\"new\") []\n"),
    ] {
        fs::write(folder.join("page.html"), text).unwrap();
        let (code, output, errors) = bench.run("page", &run);
        assert_eq!((code, output.as_str()), (0, expected), "{errors}");
    }
    let other = [
        "run",
        "--on=sockets",
        &publish,
        "--content=content",
        "--storage=src",
    ];
    bench.fails("page", &other, 1, &["no such file"]);
    let odd = OsStr::from_bytes(b"odd\xff");
    fs::write(folder.join(odd), "").unwrap();
    let shown = bench.fails("page", &run, 2, &["page was not built"]);
    assert!(shown.contains("is no text"), "{shown}");
    for content in ["none", "Cargo.toml"] {
        let words = ["--content", content, "name a directory"];
        bench.fails("page", &["build", "--content", content], 2, &words);
    }
}

#[test]
fn where_there_is_no_application() {
    let bench = Bench::new();
    bench.fails("", &["run"], 2, &["no Cargo.toml", "parhelion new NAME"]);
    for (name, word) in [
        ("Page", "small letter"),
        ("fn", "word of Rust"),
        ("http", "something else"),
    ] {
        bench.fails("", &["new", name], 2, &[name, word]);
    }
    let package = "[package]\nname = \"program\"\nversion = \"1.0.0\"\nedition = \"2024\"\n";
    fs::create_dir(bench.path("src")).unwrap();
    fs::write(bench.path("Cargo.toml"), package).unwrap();
    fs::write(bench.path("src/main.rs"), "fn main() {}\n").unwrap();
    bench.fails("", &["run"], 2, &["program is not a library", "src/lib.rs"]);
    fs::write(bench.path("src/lib.rs"), "#![no_std]\n").unwrap();
    bench.fails(
        "",
        &["build"],
        2,
        &["program is no application", "parhelion-runtime"],
    );
    let broken = format!(
        "{package}[dependencies]\nruntime = {{ package = \"parhelion-runtime\", path = \"..\" }}\n"
    );
    fs::write(bench.path("Cargo.toml"), broken).unwrap();
    bench.fails(
        "",
        &["build"],
        2,
        &["takes `runtime` from", "PARHELION_SOURCE"],
    );
    bench.fails("", &["run", "--on", "moon"], 2, &["--on", "tap:NAME"]);
}

#[test]
fn without_cargo_or_without_the_sources() {
    let bench = Bench::new();
    let said = |variable: &str, value: &str, arguments: &[&str]| {
        let mut command = bench.command("", arguments);
        let output = command.env(variable, value).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let errors = said("CARGO", "/nowhere/cargo", &["run"]);
    assert!(
        errors.contains("there is no cargo") && errors.contains("rustup.rs"),
        "{errors}"
    );
    let errors = said("PARHELION_SOURCE", "/nowhere", &["new", "page"]);
    assert!(
        errors.contains("/nowhere") && errors.contains("set PARHELION_SOURCE"),
        "{errors}"
    );
    assert!(!bench.path("page").exists());
}

//! Links the program as a kernel, as the guest's page says.

use std::env;

fn main() {
    let folder = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let script = format!("{folder}/../linker.ld");
    println!("cargo:rerun-if-changed={script}");
    let script = format!("-Wl,-T,{script}");
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,--build-id=none",
        &script,
    ] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}

//! A line over the library, which `make components` links once more, with the C library inside.

fn main() -> std::process::ExitCode {
    trainyard_components::cli::main()
}

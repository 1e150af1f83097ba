//! The binary `trainyard`.

fn main() -> std::process::ExitCode {
    trainyard::cli::main()
}

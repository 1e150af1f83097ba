//! `stage in`, `stage run`, `stage exec` and `stage out`, in the containers of a pod.

fn main() {
    std::process::exit(trainyard_stage::main());
}

//! The binary: arguments, hooks, runtime, exit status.

fn main() {}

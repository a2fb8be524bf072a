//! The node admission proxy: see `nodeward::cli`.

fn main() {}

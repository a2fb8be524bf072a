// Marks the root of the module. The versions are in the go.v0.*.mod files: one program,
// five client-go minors, each built with -modfile.
module nodeward.io/tests/reflector

go 1.24.0

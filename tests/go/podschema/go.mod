// Marks the module's directory. Every build names one of the v0.*.mod files instead of this one.
module nodeward.test/podschema

go 1.26.0

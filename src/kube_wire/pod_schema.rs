//! Tables of the Pod types.

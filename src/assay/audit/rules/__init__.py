"""The audit's rules, one small file each: evidence in, checks out; every module here registers its own."""

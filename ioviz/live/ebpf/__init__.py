"""eBPF: a source inside the kernel itself, for root on a kernel with BTF. The only one that sees the ready list.

`ioviz.bpf.c` runs in the kernel; `ioviz.bpf.o` is what `make bpf` built from it, and fits every kernel from 5.17 on
(CO-RE): no compiler is needed here. `libbpf` loads it, `ring` reads what it sends, `layout` says what that means, and
`source` is the source. `ready` reads the ready lists.
"""

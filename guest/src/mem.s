# What compiled Rust expects from a C library, and this target's own library does not bring.
#
# In assembly, since the optimiser would turn a loop in Rust into a call of the very function that
# it is part of. `rep movsb` and `rep stosb` are the fast way on processors with ERMS (since 2012).

    .section .text.memory, "ax", @progbits
    .globl memcpy
    .globl memmove
memcpy:
memmove:
    movq %rdi, %rax              # returned: the destination
    movq %rdx, %rcx
    movq %rdi, %r8
    subq %rsi, %r8
    cmpq %rdx, %r8               # unsigned: does the destination begin inside the source?
    jb 1f
    rep movsb
    ret
1:  leaq -1(%rdi,%rdx), %rdi     # then the last byte goes first
    leaq -1(%rsi,%rdx), %rsi
    std
    rep movsb
    cld
    ret

    .globl memset
memset:
    movq %rdi, %r8
    movl %esi, %eax
    movq %rdx, %rcx
    rep stosb
    movq %r8, %rax
    ret

    .globl memcmp
    .globl bcmp
memcmp:
bcmp:
    xorl %ecx, %ecx
1:  cmpq %rdx, %rcx
    je 2f
    movzbl (%rdi,%rcx), %eax
    movzbl (%rsi,%rcx), %r8d
    incq %rcx
    subl %r8d, %eax
    je 1b
    ret
2:  xorl %eax, %eax
    ret

# Named by the landing pads of the prebuilt `core`. A guest that panics stops, it does not unwind.
    .globl rust_eh_personality
    .globl _Unwind_Resume
rust_eh_personality:
_Unwind_Resume:
    ud2
    .text

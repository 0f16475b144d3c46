# What compiled Rust expects from a C library, and this target's own library does not bring.
#
# In assembly, since the optimiser would turn a loop in Rust into a call of the very function that
# it is part of. In steps of 16 bytes, which every processor does well and an emulator too; the string
# instructions would take the latter a turn for each byte. Ends that are no whole step are done by one
# that overlaps the last.

    .section .text.memory, "ax", @progbits
    .globl memcpy
    .globl memmove
memcpy:
memmove:
    movq %rdi, %rax              # returned: the destination
    cmpq $16, %rdx
    jb 8f
    movups (%rsi), %xmm4         # both ends, before they may be overwritten
    movups -16(%rsi,%rdx), %xmm5
    movq %rdi, %r8
    subq %rsi, %r8
    cmpq %rdx, %r8               # unsigned: does the destination begin inside the source?
    jb 4f

1:  cmpq $64, %rdx
    jb 2f
    movups (%rsi), %xmm0
    movups 16(%rsi), %xmm1
    movups 32(%rsi), %xmm2
    movups 48(%rsi), %xmm3
    movups %xmm0, (%rdi)
    movups %xmm1, 16(%rdi)
    movups %xmm2, 32(%rdi)
    movups %xmm3, 48(%rdi)
    addq $64, %rsi
    addq $64, %rdi
    subq $64, %rdx
    jmp 1b
2:  cmpq $16, %rdx
    jbe 3f
    movups (%rsi), %xmm0
    movups %xmm0, (%rdi)
    addq $16, %rsi
    addq $16, %rdi
    subq $16, %rdx
    jmp 2b
3:  movups %xmm5, -16(%rdi,%rdx)
    ret

4:  addq %rdx, %rsi              # then the last bytes go first
    addq %rdx, %rdi
5:  cmpq $64, %rdx
    jb 6f
    movups -16(%rsi), %xmm0
    movups -32(%rsi), %xmm1
    movups -48(%rsi), %xmm2
    movups -64(%rsi), %xmm3
    movups %xmm0, -16(%rdi)
    movups %xmm1, -32(%rdi)
    movups %xmm2, -48(%rdi)
    movups %xmm3, -64(%rdi)
    subq $64, %rsi
    subq $64, %rdi
    subq $64, %rdx
    jmp 5b
6:  cmpq $16, %rdx
    jbe 7f
    movups -16(%rsi), %xmm0
    movups %xmm0, -16(%rdi)
    subq $16, %rsi
    subq $16, %rdi
    subq $16, %rdx
    jmp 6b
7:  movups %xmm4, (%rax)
    ret

8:  cmpq $8, %rdx
    jb 9f
    movq (%rsi), %rcx
    movq -8(%rsi,%rdx), %r8
    movq %rcx, (%rdi)
    movq %r8, -8(%rdi,%rdx)
    ret
9:  cmpq $4, %rdx
    jb 10f
    movl (%rsi), %ecx
    movl -4(%rsi,%rdx), %r8d
    movl %ecx, (%rdi)
    movl %r8d, -4(%rdi,%rdx)
    ret
10: cmpq $2, %rdx
    jb 11f
    movzwl (%rsi), %ecx
    movzbl -1(%rsi,%rdx), %r8d
    movw %cx, (%rdi)
    movb %r8b, -1(%rdi,%rdx)
    ret
11: testq %rdx, %rdx
    jz 12f
    movb (%rsi), %cl
    movb %cl, (%rdi)
12: ret

    .globl memset
memset:
    movq %rdi, %rax
    movzbl %sil, %ecx
    movabsq $0x0101010101010101, %r8
    imulq %r8, %rcx
    cmpq $16, %rdx
    jb 3f
    movq %rcx, %xmm0
    punpcklqdq %xmm0, %xmm0
1:  cmpq $64, %rdx
    jb 2f
    movups %xmm0, (%rdi)
    movups %xmm0, 16(%rdi)
    movups %xmm0, 32(%rdi)
    movups %xmm0, 48(%rdi)
    addq $64, %rdi
    subq $64, %rdx
    jnz 1b
    ret
2:  cmpq $16, %rdx
    jbe 4f
    movups %xmm0, (%rdi)
    addq $16, %rdi
    subq $16, %rdx
    jmp 2b
4:  movups %xmm0, -16(%rdi,%rdx)
    ret
3:  cmpq $8, %rdx
    jb 5f
    movq %rcx, (%rdi)
    movq %rcx, -8(%rdi,%rdx)
    ret
5:  cmpq $4, %rdx
    jb 6f
    movl %ecx, (%rdi)
    movl %ecx, -4(%rdi,%rdx)
    ret
6:  testq %rdx, %rdx
    jz 7f
    movb %cl, (%rdi)
    movb %cl, -1(%rdi,%rdx)
    shrq $1, %rdx
    movb %cl, (%rdi,%rdx)        # the middle one of three
7:  ret

    .globl memcmp
    .globl bcmp
memcmp:
bcmp:
1:  cmpq $8, %rdx
    jb 2f
    movq (%rdi), %rax
    movq (%rsi), %rcx
    addq $8, %rdi
    addq $8, %rsi
    subq $8, %rdx
    cmpq %rcx, %rax
    je 1b
    bswapq %rax                  # the first byte counts most
    bswapq %rcx
    cmpq %rcx, %rax
    sbbl %eax, %eax              # -1 if below, else 0
    orl $1, %eax
    ret
2:  testq %rdx, %rdx
    jz 3f
    movzbl (%rdi), %eax
    movzbl (%rsi), %ecx
    incq %rdi
    incq %rsi
    decq %rdx
    subl %ecx, %eax
    jz 2b
    ret
3:  xorl %eax, %eax
    ret

# Named by the landing pads of the prebuilt `core`. A guest that panics stops, it does not unwind.
    .globl rust_eh_personality
    .globl _Unwind_Resume
rust_eh_personality:
_Unwind_Resume:
    ud2
    .text

# Where the processor goes when an instruction cannot be executed: 32 entries, 16 bytes apart. Each
# makes the stack look alike (some exceptions push an error code, others do not), and adds its number.

    .section .text.exceptions, "ax", @progbits
    .macro entry number, code
    .balign 16
    .if \code == 0
    pushq $0
    .endif
    pushq $\number
    jmp 1f
    .endm

    .balign 16
    .globl exception_entries
exception_entries:
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7
    entry \number, 0
    .endr
    entry 8, 1
    entry 9, 0
    .irp number, 10, 11, 12, 13, 14
    entry \number, 1
    .endr
    .irp number, 15, 16
    entry \number, 0
    .endr
    entry 17, 1
    .irp number, 18, 19, 20
    entry \number, 0
    .endr
    entry 21, 1
    .irp number, 22, 23, 24, 25, 26, 27, 28
    entry \number, 0
    .endr
    .irp number, 29, 30
    entry \number, 1
    .endr
    entry 31, 0

# exception(&State): it does not return, as no exception is expected.
1:  pushq %r15
    pushq %r14
    pushq %r13
    pushq %r12
    pushq %r11
    pushq %r10
    pushq %r9
    pushq %r8
    pushq %rbp
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rbx
    pushq %rax
    cld
    movq %rsp, %rdi
    xorl %ebp, %ebp
    andq $-16, %rsp
    call exception
    ud2
    .text

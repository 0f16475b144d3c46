# From the first instruction to the first line of Rust.
#
# A PVH loader (Xen, QEMU) reads the ELF file, jumps to the address in its note, and leaves the
# processor in 32-bit protected mode: paging off, interrupts off, %ebx = address of the start
# information. Rust needs 64-bit mode, which needs page tables, and SSE.

# The note: name "Xen", type 18 (XEN_ELFNOTE_PHYS32_ENTRY). The address is 8 bytes wide because
# QEMU reads it as the size_t of a 64-bit file.
    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 8, 18
    .asciz "Xen"
    .quad pvh_start

    .section .boot, "ax", @progbits
    .code32
    .globl pvh_start
pvh_start:
    cli
    cld
    movl $stack_top, %esp

    # The first 4 GiB, each address mapped to itself: 4 page directories of 512 pages of 2 MiB.
    # 0x83: present, writable, large. The tables are in .bss, so the upper halves are zero.
    movl $page_directories, %edi
    movl $0x83, %eax
    movl $2048, %ecx
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    decl %ecx
    jnz 1b

    # Above them one table that names the 4 directories, and the root. 3: present, writable.
    movl $page_directories + 3, %eax
    movl %eax, directory_pointers
    addl $0x1000, %eax
    movl %eax, directory_pointers + 8
    addl $0x1000, %eax
    movl %eax, directory_pointers + 16
    addl $0x1000, %eax
    movl %eax, directory_pointers + 24
    movl $directory_pointers + 3, page_root

    # CR4: PAE (5), OSFXSR (9) and OSXMMEXCPT (10); the last two allow SSE.
    movl %cr4, %eax
    orl $0x620, %eax
    movl %eax, %cr4
    movl $page_root, %eax
    movl %eax, %cr3
    # EFER (MSR 0xc0000080): LME (8), long mode once paging is on.
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax
    wrmsr
    # CR0: PG (31), WP (16), NE (5), MP (1), PE (0) on; EM (2) and TS (3) off, for SSE;
    # CD (30) and NW (29) off, for the caches.
    movl %cr0, %eax
    andl $0x9ffffff3, %eax
    orl $0x80010023, %eax
    movl %eax, %cr0

    # Still 32-bit code, in "compatibility mode", until a 64-bit code segment is loaded.
    lgdt gdt_pointer
    ljmp $8, $long_mode

    .code64
long_mode:
    # 64-bit mode ignores these segments, but what they hold must not come from the loader.
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    # Floating point as the ABI expects it at a program's start: MXCSR 0x1f80, all masked.
    fninit
    pushq $0x1f80
    ldmxcsr (%rsp)
    popq %rax

    # start(start_info), on an aligned stack, with a frame pointer that ends every backtrace.
    leaq stack_top(%rip), %rsp
    movl %ebx, %edi
    xorl %ebp, %ebp
    call start
    ud2

    .section .rodata.gdt, "a", @progbits
    .balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff     # selector 8: 64-bit code
gdt_pointer:
    .word 15
    .quad gdt

    .section .bss.boot, "aw", @nobits
    .balign 4096
page_root:          .skip 4096
directory_pointers: .skip 4096
page_directories:   .skip 4 * 4096
    .globl hypercall_page
hypercall_page:     .skip 4096
stack:              .skip 64 * 1024
stack_top:
    .text

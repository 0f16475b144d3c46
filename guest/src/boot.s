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

# The header by which GRUB knows a multiboot2 kernel, for guests with a BIOS: architecture 0 (i386),
# and no tag but the last one, so that GRUB goes by the ELF file.
    .section .multiboot2, "a", @progbits
    .balign 8
multiboot2:
    .long 0xe85250d6, 0, 24, 0x100000000 - (0xe85250d6 + 24)
    .short 0, 0
    .long 8

    .section .boot, "ax", @progbits
    .code32
    .globl pvh_start
pvh_start:
    cli
    cld
    # The first moment of our time.
    rdtsc
    movl %eax, entry_ticks
    movl %edx, entry_ticks + 4
    movl $stack_top, %esp

    # The first 4 GiB, each address mapped to itself: 4 page directories of 512 pages of 2 MiB.
    # 0x83: present, writable, large. The tables are in .bss, so the upper halves are zero. Rust
    # makes better ones (paging.rs).
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
    # EFER (MSR 0xc0000080): LME (8), long mode once paging is on, and NXE (11), pages may forbid
    # execution.
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x900, %eax
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
    movl %ebx, %r12d

    # AVX, for programs built with it, where the processor has XSAVE (CPUID 1, ECX 26): CR4.OSXSAVE
    # (18), and in XCR0 what there is of x87, SSE, AVX (0-2) and AVX-512 (5-7).
    movl $1, %eax
    cpuid
    btl $26, %ecx
    jnc 1f
    movq %cr4, %rax
    orl $0x40000, %eax
    movq %rax, %cr4
    movl $0xd, %eax
    xorl %ecx, %ecx
    cpuid
    andl $0xe7, %eax
    xorl %edx, %edx
    xorl %ecx, %ecx
    xsetbv

    # start(start_info), on an aligned stack, with a frame pointer that ends every backtrace.
1:  leaq stack_top(%rip), %rsp
    movl %r12d, %edi
    xorl %ebp, %ebp
    call start
    ud2

    .section .data.gdt, "aw", @progbits
    .balign 8
    .globl gdt
gdt:
    .quad 0
    .quad 0x00af9b000000ffff     # selector 8: 64-bit code
    .quad 0, 0                   # selector 16: the task state segment (exceptions.rs)
gdt_pointer:
    .word 31
    .quad gdt

    .section .bss.boot, "aw", @nobits
    .globl entry_ticks
    .balign 8
entry_ticks:        .skip 8

    .balign 4096
    .globl page_root, directory_pointers, page_directories, page_tables
page_root:          .skip 4096
directory_pointers: .skip 4096
page_directories:   .skip 4 * 4096
page_tables:        .skip 8 * 4096

# Below each stack a page that is not mapped: who grows out of a stack finds out at once.
    .globl stack_guard, stack_top, exception_guard, exception_top, last_guard, last_top
stack_guard:        .skip 4096
                    .skip 256 * 1024
stack_top:
exception_guard:    .skip 4096
                    .skip 16 * 1024
exception_top:
last_guard:         .skip 4096
                    .skip 16 * 1024
last_top:
    .text

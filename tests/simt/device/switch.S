// void simt_switch(void** save, void* load): parks the caller on its own stack, stores where in *save, and goes on at
// `load`, which an earlier call stored or Fiber::prepare() laid out. Kept are the registers that a called function must
// preserve; kernels leave the floating-point control registers alone, so they are not kept.
// The jump at its end is no return, which the processor would predict to lead back to the caller.
// simt_fiber_entry: where a new fiber begins; calls the function that prepare() left in a kept register.

#if defined(__x86_64__)
  .text
  .globl simt_switch
  .type simt_switch, @function
simt_switch:
  .cfi_startproc
  endbr64
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  popq %rcx
  jmpq *%rcx
  .cfi_endproc
  .size simt_switch, .-simt_switch

  .globl simt_fiber_entry
  .type simt_fiber_entry, @function
simt_fiber_entry:
  .cfi_startproc
  .cfi_undefined rip
  endbr64
  callq *%rbx
  ud2
  .cfi_endproc
  .size simt_fiber_entry, .-simt_fiber_entry

#elif defined(__aarch64__)
  .text
  .globl simt_switch
  .type simt_switch, %function
simt_switch:
  .cfi_startproc
  hint #34
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
  .cfi_endproc
  .size simt_switch, .-simt_switch

  .globl simt_fiber_entry
  .type simt_fiber_entry, %function
simt_fiber_entry:
  .cfi_startproc
  .cfi_undefined x30
  hint #36
  blr x19
  brk #1
  .cfi_endproc
  .size simt_fiber_entry, .-simt_fiber_entry

#else
#error "The emulator has a fiber switch for x86-64 and AArch64 only."
#endif

  .section .note.GNU-stack, "", %progbits

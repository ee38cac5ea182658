#include <fmt/format.h>
#include <omp.h>

#include <array>
#include <oneapi/dnnl/dnnl.hpp>

#include "cpu/gemm_bf16.h"
#include "lacuna/error.h"

namespace lacuna::cpu {

namespace {

using dnnl::memory;

/// A library call, counted as such; its failure as Error.
template <class F>
auto library_call(const char* what, const F& call) {
  struct Depth {
    Depth() { library_depth.fetch_add(1, std::memory_order_relaxed); }
    ~Depth() { library_depth.fetch_sub(1, std::memory_order_relaxed); }
  } const depth;
  try {
    return call();
  } catch (const dnnl::error& error) {
    throw Error(fmt::format("oneDNN's {} failed: {}", what, error.what()));
  }
}

memory::desc matrix(Transpose transpose, std::int64_t rows, std::int64_t columns, memory::data_type type) {
  return {{rows, columns}, type, transpose == Transpose::yes ? memory::dims{1, rows} : memory::dims{columns, 1}};
}

}  // namespace

std::string why_no_bf16() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bf16")) return {};
  return "this processor has no bf16 instructions (AVX512_BF16)";
#else
  return "it needs an x86-64 processor with AVX512_BF16";
#endif
}

struct Bf16Gemm::Primitive {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::matmul::primitive_desc description;
  dnnl::matmul product;
  memory a, b, c, scratchpad;
  std::array<dnnl_exec_arg_t, 4> arguments{};
};

Bf16Gemm::Bf16Gemm(Transpose transpose_a, Transpose transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
                   bool accumulate, int threads)
    : primitive_(library_call("preparation of a bf16 matrix product", [] { return std::make_unique<Primitive>(); })) {
  omp_set_num_threads(threads);  // the library divides the work when it prepares a product
  library_call("preparation of a bf16 matrix product", [&] {
    Primitive& p = *primitive_;
    const memory::desc a = matrix(transpose_a, m, k, memory::data_type::bf16);
    const memory::desc b = matrix(transpose_b, k, n, memory::data_type::bf16);
    const memory::desc c = matrix(Transpose::no, m, n, memory::data_type::f32);
    dnnl::primitive_attr attributes;
    // Its own: the library's belongs to the thread that prepared the product.
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (accumulate) {
      dnnl::post_ops sum;
      sum.append_sum(1.0f);
      attributes.set_post_ops(sum);
    }
    p.description = {dnnl::matmul::desc(a, b, c), attributes, p.engine};
    p.product = dnnl::matmul(p.description);
    p.a = memory(a, p.engine, nullptr);
    p.b = memory(b, p.engine, nullptr);
    p.c = memory(c, p.engine, nullptr);
    p.scratchpad = memory(p.description.scratchpad_desc(), p.engine);
    p.arguments = {{{DNNL_ARG_SRC, p.a.get()},
                    {DNNL_ARG_WEIGHTS, p.b.get()},
                    {DNNL_ARG_DST, p.c.get()},
                    {DNNL_ARG_SCRATCHPAD, p.scratchpad.get()}}};
  });
}

Bf16Gemm::~Bf16Gemm() = default;

void Bf16Gemm::operator()(const std::uint16_t* a, const std::uint16_t* b, float* c) const {
  library_call("bf16 matrix product", [&] {
    const Primitive& p = *primitive_;
    p.a.set_data_handle(const_cast<std::uint16_t*>(a));
    p.b.set_data_handle(const_cast<std::uint16_t*>(b));
    p.c.set_data_handle(c);
    // The C interface: the other's table of arguments would be allocated in each call.
    dnnl::error::wrap_c_api(dnnl_primitive_execute(p.product.get(), p.stream.get(),
                                                   static_cast<int>(p.arguments.size()), p.arguments.data()),
                            "dnnl_primitive_execute");
  });
}

std::string Bf16Gemm::implementation() const {
  return primitive_->description.impl_info_str();
}

}  // namespace lacuna::cpu

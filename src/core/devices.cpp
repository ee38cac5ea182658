#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/cuda_entry.h"
#include "core/words.h"
#include "cpu/cpu_executable.h"
#include "lacuna/backend.h"
#include "lacuna/error.h"

namespace lacuna {

namespace {

constexpr words::Table<Precision, 3> kPrecisions{
    {{Precision::fp32, "fp32"}, {Precision::tf32, "tf32"}, {Precision::bf16, "bf16"}}};
constexpr words::Table<Engine, 3> kEngines{
    {{Engine::automatic, "auto"}, {Engine::graph, "graph"}, {Engine::resident, "resident"}}};
enum class Products : std::uint8_t { of_library, measured, batched };
constexpr words::Table<Products, 3> kProducts{
    {{Products::of_library, "default"}, {Products::measured, "measured"}, {Products::batched, "batched"}}};

std::unique_ptr<Backend> make_cpu(const BackendOptions& options) {
  if (options.engine != Engine::automatic)
    throw InputError(fmt::format("--engine {} is for GPUs; the device is cpu, which has one engine: leave it at auto",
                                 to_string(options.engine)));
  if (options.products.measured || options.products.batched || !options.products.algorithms.empty())
    throw InputError("--products is for GPUs; the device is cpu: leave it at default");
  return cpu::make_backend(options);
}

}  // namespace

const char* to_string(Precision precision) {
  return words::word_of(kPrecisions, precision);
}
const char* to_string(Engine engine) {
  return words::word_of(kEngines, engine);
}
Precision parse_precision(std::string_view word) {
  return words::parse(kPrecisions, "precision", word);
}
Engine parse_engine(std::string_view word) {
  return words::parse(kEngines, "engine", word);
}

std::string to_string(const ProductOptions& products) {
  if (products.measured) return words::word_of(kProducts, Products::measured);
  if (products.batched) return words::word_of(kProducts, Products::batched);
  if (products.algorithms.empty()) return words::word_of(kProducts, Products::of_library);
  std::string text;
  for (const auto& [shape, algorithm] : products.algorithms)
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", shape, algorithm);
  return text;
}

ProductOptions parse_products(std::string_view word) {
  ProductOptions products;
  if (word.find('=') == std::string_view::npos) {
    const Products by = words::parse(kProducts, "products", word);
    products.measured = by == Products::measured;
    products.batched = by == Products::batched;
    return products;
  }
  while (!word.empty()) {
    const std::string_view entry = word.substr(0, word.find(','));
    word.remove_prefix(std::min(word.size(), entry.size() + 1));
    const std::size_t at = entry.find('=');
    if (at == std::string_view::npos || at == 0 || at + 1 == entry.size())
      throw InputError(fmt::format("\"{}\" is not an algorithm on record, which is SHAPE=ALGORITHM", entry));
    products.algorithms.emplace(entry.substr(0, at), entry.substr(at + 1));
  }
  return products;
}

std::unique_ptr<Backend> make_backend(const std::string& device, const BackendOptions& options) {
  if (device == "cpu") return make_cpu(options);
  if (device == "auto") return cuda::list().devices.empty() ? make_cpu(options) : cuda::make_backend(0, options);
  if (device == "cuda") return cuda::make_backend(0, options);
  if (device.starts_with("cuda:")) {
    int index = -1;
    const char* end = device.data() + device.size();
    const auto [stopped, error] = std::from_chars(device.data() + 5, end, index);
    if (error == std::errc() && stopped == end && index >= 0) return cuda::make_backend(index, options);
    throw InputError(fmt::format("device \"{}\": after \"cuda:\" comes the index of a device, 0 or more", device));
  }
  constexpr std::string_view known[] = {"auto", "cpu", "cuda"};
  throw InputError(fmt::format("unknown device \"{}\"{}; known: auto, cpu, cuda, cuda:N", device,
                               words::did_you_mean(device, known)));
}

DeviceList list_devices() {
  DeviceList all = cuda::list();
  all.devices.insert(all.devices.begin(), make_cpu_backend()->describe());
  return all;
}

}  // namespace lacuna

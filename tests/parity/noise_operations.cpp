#include <cmath>

#include "lacuna/math/noise.h"
#include "parity/operation_table.h"
#include "parity/plan_runner.h"

namespace lacuna::test {
namespace {

constexpr std::uint64_t kSeed = 0x1234567890ABCDEF;
constexpr std::uint32_t kStream = 3;
constexpr std::int64_t kStep = 41;

double normal(const math::Philox4& random, std::int64_t word) {
  const double u = math::uniform24(random.word[word & ~std::int64_t{1}]) + 0x1p-24;
  const double angle = 2.0 * 3.14159265358979323846 * math::uniform24(random.word[word | 1]);
  return std::sqrt(-2.0 * std::log(u)) * (word % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

std::vector<Compared> noise(Backend& backend, const Sizes& s, Values values, NoiseKind kind, bool in_place) {
  Operands operands(s, values);
  reference::Matrix x = operands.matrix(s.rows, s.columns, -1.0, 1.0);
  operands.plant_nan(x.values);
  PlanRunner runner(backend);
  Noise op;
  op.kind = kind;
  op.amount = 0.375;
  op.input = runner.matrix("input", x);
  op.output = in_place ? op.input : runner.result("output", {s.rows, s.columns});
  op.state = runner.state({.step = kStep, .epoch = 2, .position = 7});
  op.seed = kSeed;
  op.stream = kStream;
  runner.run(op);

  std::vector<double> expected, bounds;
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    const auto element = static_cast<std::int64_t>(i);
    const math::Philox4 random = math::noise_block(kSeed, kStream, kStep, element / 4);
    const bool dropped = math::uniform24(random.word[element % 4]) < 0.375;
    const double scale = kind == NoiseKind::dropout ? 1.0 / 0.625 : 1.0;
    expected.push_back(kind == NoiseKind::gaussian ? x.values[i] + 0.375 * normal(random, element % 4)
                       : dropped                   ? 0.0
                                                   : x.values[i] * scale);
    // The angle 2 pi u has an error of half an ulp of 2 pi, the radius is below 6.
    bounds.push_back(kUlp * std::abs(expected[i]) + (kind == NoiseKind::gaussian ? 0.375 * 6 * 8 * kUlp : 0.0));
  }
  return {{"output", runner.read(op.output), expected, bounds}};
}

/// Images of 2 channels that are as wide as there are columns for.
std::vector<Compared> shift(Backend& backend, const Sizes& s, Values values, double most) {
  constexpr std::int64_t kHeight = 3;
  const ImageExtents image{2, kHeight, s.columns};
  Operands operands({s.rows, image.elements()}, values);
  reference::Matrix x = operands.matrix(s.rows, image.elements(), -1.0, 1.0);
  operands.plant_nan(x.values);
  PlanRunner runner(backend);
  Noise op;
  op.kind = NoiseKind::shift;
  op.amount = most;
  op.input = runner.matrix("input", x);
  op.output = runner.result("output", {s.rows, image.elements()});
  op.state = runner.state({.step = kStep, .epoch = 2, .position = 7});
  op.seed = kSeed;
  op.stream = kStream;
  op.image = image;
  runner.run(op);

  std::vector<double> expected(x.values.size());
  for (std::int64_t i = 0; i < s.rows; ++i) {
    const math::Philox4 random = math::noise_block(kSeed, kStream, kStep, i);
    const auto offset = [&](int word) {
      return static_cast<std::int64_t>(std::floor((2 * most + 1) * 0x1p-32 * random.word[word]) - most);
    };
    for (std::int64_t c = 0; c < 2; ++c)
      for (std::int64_t y = 0; y < kHeight; ++y)
        for (std::int64_t column = 0; column < s.columns; ++column) {
          const std::int64_t to_y = y + offset(0), to_column = column + offset(1);
          if (to_y < 0 || to_y >= kHeight || to_column < 0 || to_column >= s.columns) continue;
          const auto place = [&](std::int64_t row, std::int64_t at) {
            return static_cast<std::size_t>(((i * 2 + c) * kHeight + row) * s.columns + at);
          };
          expected[place(to_y, to_column)] = x.values[place(y, column)];
        }
  }
  return {exactly("output", runner.read(op.output), expected)};
}

}  // namespace

std::vector<OperationCase> noise_operations() {
  const std::pair<const char*, NoiseKind> kinds[] = {
      {"noise_mask", NoiseKind::mask}, {"noise_dropout", NoiseKind::dropout}, {"noise_gaussian", NoiseKind::gaussian}};
  std::vector<OperationCase> rows;
  for (const auto& [name, kind] : kinds)
    for (bool in_place : {false, true})
      rows.push_back({std::string(name) + (in_place ? "_in_place" : ""),
                      {Values::random, Values::zeros, Values::nan},
                      [kind = kind, in_place](Backend& backend, const Sizes& s, Values v) {
                        return noise(backend, s, v, kind, in_place);
                      }});
  for (const double most : {1.0, 2.0})
    rows.push_back({most == 1.0 ? "shift_one" : "shift_two",
                    {Values::random, Values::zeros, Values::nan},
                    [most](Backend& backend, const Sizes& s, Values v) { return shift(backend, s, v, most); }});
  return rows;
}

}  // namespace lacuna::test

// Classifiers of few classes, several rows of which share a warp: every way in which rows and classes leave lanes over.

#include <gtest/gtest.h>

#include "parity/backends.h"
#include "parity/operation_table.h"

namespace lacuna::test {
namespace {

TEST(FewClasses, AgreeWithDoublePrecision) {
  for (const BackendFactory& factory : fp32_backends()) {
    const auto backend = factory.make();
    for (const OperationCase& operation : classifier_operations())
      for (const std::int64_t classes : {2, 8, 9, 10, 16, 17, 20, 64, 68})
        for (const std::int64_t rows : {1, 3, 33, 70})
          // Not saturated: the loss of a single row whose label is sure is smaller than float's steps at 1.
          for (const Values values : {Values::random, Values::zeros, Values::nan})
            for (const Compared& compared : operation.run(*backend, {rows, classes, 1}, values))
              EXPECT_TRUE(agrees(compared)) << operation.name << ", " << rows << " rows of " << classes;
  }
}

}  // namespace
}  // namespace lacuna::test

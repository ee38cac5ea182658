#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "cli/program.h"

namespace lacuna::test {

/// A test in a directory of its own, with a small run to look at.
class CliTest : public ::testing::Test {
 protected:
  ProgramResult run(const Arguments& arguments, const ProgramOptions& options = {}) const {
    return run_program(directory_.path(), arguments, options);
  }
  /// `train` with a small network and 300 synthetic digits; what is given comes after, so it wins.
  ProgramResult train(const Arguments& more, const ProgramOptions& options = {}) const {
    Arguments all{"train", "--data", "synthetic:300", "--hidden", "16", "--epochs", "2", "--threads", "1"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all, options);
  }
  std::filesystem::path at(const std::string& name) const { return directory_.path() / name; }
  bool exists(const std::string& name) const { return std::filesystem::exists(at(name)); }

  /// One line on standard error that says all that is wanted, nothing on standard output.
  static void expect_error(const ProgramResult& result, int status, const std::vector<std::string>& parts) {
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_EQ(result.out, "");
    const std::size_t start = result.err.find("lacuna: error: ");
    ASSERT_NE(start, std::string::npos) << result.err;
    const std::string line = result.err.substr(start);
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
    for (const std::string& part : parts) EXPECT_THAT(line, ::testing::HasSubstr(part));
  }

 private:
  TemporaryDirectory directory_;
};

}  // namespace lacuna::test

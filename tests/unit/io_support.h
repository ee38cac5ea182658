#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <typeinfo>

#include "lacuna/error.h"

namespace lacuna::test {

/// An empty directory that goes with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "lacuna_io_XXXXXX").string();
    if (!::mkdtemp(name.data())) throw Error("no temporary directory");
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string path() const { return path_.string(); }
  std::string operator/(std::string_view name) const { return (path_ / name).string(); }
  std::set<std::string> entries() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) names.insert(entry.path().filename().string());
    return names;
  }

 private:
  std::filesystem::path path_;
};

inline void put_bytes(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(file.flush().good()) << path;
}

inline std::string get_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

template <class Value>
std::string raw(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// `action` must throw exactly `Wanted`, with one line that holds every fragment.
template <class Wanted, class Action>
void expect_error(Action&& action, std::initializer_list<std::string_view> fragments) {
  try {
    action();
  } catch (const Error& error) {
    const std::string_view what = error.what();
    EXPECT_EQ(typeid(error), typeid(Wanted)) << what;
    EXPECT_EQ(what.find('\n'), what.npos) << what;
    for (std::string_view fragment : fragments) EXPECT_NE(what.find(fragment), what.npos) << fragment << " | " << what;
    return;
  }
  ADD_FAILURE() << "nothing was thrown; expected an error with: " << ::testing::PrintToString(fragments);
}

}  // namespace lacuna::test

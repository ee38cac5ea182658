#include <gmock/gmock.h>

#include "data/fetch.h"
#include "data/sha256.h"
#include "data_support.h"

namespace lacuna {
namespace {

using data::fetch_files;
using data::FetchOptions;
using data::MnistFile;
using test::gzip;
using test::input_error;
using test::ScratchDirectory;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string sha256(const std::string& text) {
  data::Sha256 digest;
  digest.update(text.data(), text.size());
  return digest.hexadecimal();
}

TEST(Sha256, KnownAnswers) {  // FIPS 180-2, appendix B
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/// Two small files in place of MNIST's four, and mirrors that are directories.
class Fetch : public ::testing::Test {
 protected:
  const std::string images_ = test::counting(5000), labels_ = "labels";
  const std::string images_digest_ = sha256(images_), labels_digest_ = sha256(labels_);
  const std::vector<MnistFile> files_ = {{"some-images", "idx3-ubyte", images_.size(), images_digest_},
                                         {"some-labels", "idx1-ubyte", labels_.size(), labels_digest_}};
  const ScratchDirectory scratch_;
  std::vector<std::string> notes_;

  std::string target() const { return scratch_ / "deep/cache"; }
  void put(const std::string& mirror, const std::string& images, const std::string& labels) const {
    scratch_.write(mirror + "/some-images-idx3-ubyte.gz", images);
    scratch_.write(mirror + "/some-labels-idx1-ubyte.gz", labels);
  }
  void put_good(const std::string& mirror) const { put(mirror, gzip(images_), gzip(labels_)); }

  std::string fetch(std::initializer_list<const char*> mirrors) {
    FetchOptions options;
    for (const char* mirror : mirrors) options.mirrors.push_back("file://" + (scratch_ / mirror));
    options.note = [this](const std::string& line) { notes_.push_back(line); };
    return fetch_files(target(), files_, options);
  }
  std::string failure(std::initializer_list<const char*> mirrors) {
    try {
      fetch(mirrors);
    } catch (const InputError& error) {
      ADD_FAILURE() << "a mirror's fault is not the user's input: " << error.what();
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return {};
  }
  void expect_fetched() const {
    EXPECT_EQ(test::read_all(target() + "/some-images-idx3-ubyte.gz"), gzip(images_));
    EXPECT_EQ(test::read_all(target() + "/some-labels-idx1-ubyte.gz"), gzip(labels_));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(target()), {}), 2);
  }
  void expect_nothing() const { EXPECT_TRUE(std::filesystem::is_empty(target())); }
};

TEST_F(Fetch, FetchesAndKeeps) {
  put_good("good");
  EXPECT_THAT(fetch({"good"}), HasSubstr("2 files fetched and checked, 0 already there"));
  expect_fetched();
  EXPECT_THAT(fetch({"none"}), HasSubstr("0 files fetched and checked, 2 already there"));
}

TEST_F(Fetch, KeepsARightFileUnderAnotherName) {
  put_good("good");
  scratch_.write("deep/cache/some-images.idx3-ubyte", images_);
  EXPECT_THAT(fetch({"good"}), HasSubstr("1 files fetched and checked, 1 already there"));
}

TEST_F(Fetch, ReplacesWrongFiles) {
  put_good("good");
  scratch_.write("deep/cache/some-images-idx3-ubyte.gz", gzip("something else"));
  scratch_.write("deep/cache/some-labels-idx1-ubyte.gz", gzip(labels_).substr(0, 12));
  EXPECT_THAT(fetch({"good"}), HasSubstr("2 files fetched"));
  expect_fetched();
}

TEST_F(Fetch, AWrongFileUnderAnotherNameIsNotFoundAnyMore) {
  put_good("good");
  const std::string wrong = scratch_.write("deep/cache/some-images.idx3-ubyte", "wrong");
  fetch({"good"});
  EXPECT_EQ(data::find_mnist_file(target(), files_[0]), target() + "/some-images-idx3-ubyte.gz");
  EXPECT_EQ(test::read_all(wrong), "wrong");
}

TEST_F(Fetch, GoesOnToTheNextMirror) {
  std::string corrupt = gzip(images_);
  corrupt[corrupt.size() / 2] ^= 0x10;
  put("corrupt", corrupt, gzip(labels_ + "!"));
  put_good("good");
  fetch({"none", "corrupt", "good"});
  expect_fetched();
  EXPECT_THAT(notes_, Contains(AllOf(HasSubstr("corrupt/some-images"), HasSubstr("corrupt gzip stream"))));
  EXPECT_THAT(notes_, Contains(AllOf(HasSubstr("corrupt/some-labels"), HasSubstr("more than the 6 bytes"))));
}

TEST_F(Fetch, ListsWhatEachMirrorSaid) {
  put("html", "\n <!DOCTYPE html><html>Not found</html>", "");
  put("plain", images_, labels_);
  put("short", gzip(images_.substr(1)), "");
  std::string other = images_;
  other[3000] ^= 1;
  put("other", gzip(other), "");
  EXPECT_THAT(
      failure({"none", "html", "plain", "short", "other"}),
      AllOf(HasSubstr("no mirror has some-images-idx3-ubyte.gz"), HasSubstr("none/some-images"),
            HasSubstr("answered with a web page"), HasSubstr(": not gzip"), HasSubstr("4999 bytes instead of 5000"),
            HasSubstr("SHA-256 of the content is " + sha256(other) + " instead of " + images_digest_)));
  expect_nothing();
}

TEST_F(Fetch, EnvironmentNamesTheMirror) {
  put_good("good");
  const test::ScopedEnvironment mirror("LACUNA_MNIST_MIRROR", ("file://" + (scratch_ / "good/")).c_str());
  fetch({});
  expect_fetched();
}

TEST_F(Fetch, ReportsProgressAndStops) {
  put_good("good");
  FetchOptions options;
  options.mirrors = {"file://" + (scratch_ / "good"), "file://" + (scratch_ / "good")};
  std::uint64_t most = 0;
  options.progress = [&](std::string_view, std::uint64_t received, std::uint64_t) {
    most = std::max(most, received);
    return true;
  };
  fetch_files(target(), std::span(files_).first(1), options);
  EXPECT_EQ(most, gzip(images_).size());
  options.progress = [](std::string_view, std::uint64_t, std::uint64_t) { return false; };
  EXPECT_THROW(
      {
        try {
          fetch_files(target(), files_, options);
        } catch (const Error& error) {
          EXPECT_THAT(error.what(), HasSubstr("stopped"));
          throw;
        }
      },
      Error);
  EXPECT_FALSE(std::filesystem::exists(target() + "/some-labels-idx1-ubyte.gz"));
}

TEST_F(Fetch, RefusesEndlessFiles) {
  put("big", std::string(10000, 'x'), "");
  FetchOptions options;
  options.mirrors = {"file://" + (scratch_ / "big")};
  options.limits.max_bytes = 9999;
  EXPECT_THROW(
      {
        try {
          fetch_files(target(), files_, options);
        } catch (const Error& error) {
          EXPECT_THAT(error.what(), HasSubstr("sends more than the 9999 bytes"));
          throw;
        }
      },
      Error);
}

TEST_F(Fetch, ADirectoryThatCannotBeMadeIsTheUsersFault) {
  scratch_.write("file", "");
  EXPECT_THAT(input_error([&] { fetch_files(scratch_ / "file/below", files_, {}); }),
              HasSubstr("cannot make the directory"));
}

TEST(Download, UnreachableHostsAndOtherProtocols) {
  const auto reason = [](const std::string& url) -> std::string {
    try {
      data::download(url, {}, {});
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_THAT(reason("http://127.0.0.1:1/x"), HasSubstr("connect"));
  EXPECT_THAT(reason("ftp://127.0.0.1/x"), HasSubstr("rotocol"));
}

}  // namespace
}  // namespace lacuna

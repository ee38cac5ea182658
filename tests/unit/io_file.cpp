#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <thread>
#include <vector>

#include "io/atomic_file.h"
#include "io/file.h"
#include "io/printable.h"
#include "unit/io_support.h"

namespace lacuna::io {
namespace {

using test::expect_error;
using test::get_bytes;
using test::put_bytes;
using test::TemporaryDirectory;
using ::testing::ElementsAre;

std::string text_of(const FileBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data), bytes.size};
}

/// Files cannot grow beyond `bytes` while this lives: writing fails part-way, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(ReadingFiles, GivesTheBytesMappedOrRead) {
  TemporaryDirectory directory;
  const std::string path = directory / "a";
  const std::string bytes("zero\0and\nmore", 13);
  put_bytes(path, bytes);
  EXPECT_EQ(text_of(map_file(path)), bytes);
  EXPECT_EQ(text_of(read_file(path)), bytes);
}

TEST(ReadingFiles, AMappingOutlivesTheFile) {
  TemporaryDirectory directory;
  const std::string path = directory / "a";
  put_bytes(path, std::string(100'000, 'x'));
  const FileBytes bytes = map_file(path);
  std::filesystem::remove(path);
  EXPECT_EQ(text_of(bytes), std::string(100'000, 'x'));
}

TEST(ReadingFiles, APipeIsReadWhole) {
  TemporaryDirectory directory;
  const std::string path = directory / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::string bytes(300'000, 'y');
  std::thread writer([&] { put_bytes(path, bytes); });
  const FileBytes read = map_file(path);
  writer.join();
  EXPECT_EQ(text_of(read), bytes);
}

TEST(ReadingFiles, SaysWhatIsWrong) {
  TemporaryDirectory directory;
  put_bytes(directory / "empty", "");
  for (const auto read : {map_file, read_file}) {
    expect_error<InputError>([&] { read(directory / "none"); }, {"none", "No such file or directory"});
    expect_error<InputError>([&] { read(directory / "empty"); }, {"empty", "the file is empty"});
    expect_error<InputError>([&] { read(directory.path()); }, {directory.path(), "directory"});
    expect_error<InputError>([&] { read("/dev/zero"); }, {"/dev/zero", "device"});
    expect_error<InputError>([&] { read(directory / "empty/a"); }, {"empty/a", "Not a directory"});
  }
}

TEST(AtomicFiles, AppearWholeWithCommit) {
  TemporaryDirectory directory;
  const std::string path = directory / "a";
  std::string expected;
  AtomicFile file(path);
  for (int i = 0; i < 1000; ++i) {
    const std::string piece(static_cast<std::size_t>(i * i % 400), static_cast<char>('a' + i % 26));
    file.write(piece);
    expected += piece;
  }
  const std::string large(200'000, '!');
  file.write(large);
  file.write("end");
  EXPECT_FALSE(std::filesystem::exists(path));
  file.commit();
  EXPECT_EQ(get_bytes(path), expected + large + "end");
  EXPECT_THAT(directory.entries(), ElementsAre("a"));
}

TEST(AtomicFiles, WithoutCommitNothingChanges) {
  TemporaryDirectory directory;
  put_bytes(directory / "old", "old");
  {
    AtomicFile unfinished(directory / "old"), other(directory / "new");
    unfinished.write(std::string(100'000, 'n'));
    EXPECT_EQ(directory.entries().size(), 3U);
  }
  EXPECT_THAT(directory.entries(), ElementsAre("old"));
  EXPECT_EQ(get_bytes(directory / "old"), "old");
}

TEST(AtomicFiles, TwoOfOneNameDoNotMix) {
  TemporaryDirectory directory;
  AtomicFile first(directory / "a"), second(directory / "a");
  first.write("first");
  second.write("second");
  second.commit();
  EXPECT_EQ(get_bytes(directory / "a"), "second");
  first.commit();
  EXPECT_EQ(get_bytes(directory / "a"), "first");
  EXPECT_THAT(directory.entries(), ElementsAre("a"));
}

TEST(AtomicFiles, RespectTheUmask) {
  TemporaryDirectory directory;
  const mode_t before = ::umask(027);
  write_text_file(directory / "a", "x");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat((directory / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST(AtomicFiles, FollowALink) {
  TemporaryDirectory directory, elsewhere;
  put_bytes(elsewhere / "real", "old");
  std::filesystem::create_symlink(elsewhere / "real", directory / "link");
  write_text_file(directory / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(directory / "link"));
  EXPECT_EQ(get_bytes(elsewhere / "real"), "new");
  EXPECT_THAT(elsewhere.entries(), ElementsAre("real"));
}

TEST(AtomicFiles, ARelativeNameLiesInTheCurrentDirectory) {
  TemporaryDirectory directory;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  write_text_file("a", "text");
  std::filesystem::current_path(before);
  EXPECT_EQ(get_bytes(directory / "a"), "text");
  EXPECT_THAT(directory.entries(), ElementsAre("a"));
}

TEST(AtomicFiles, APipeIsWrittenAndStaysAPipe) {
  TemporaryDirectory directory;
  const std::string path = directory / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::string received;
  std::thread reader([&] { received = get_bytes(path); });
  write_text_file(path, "text");
  reader.join();
  EXPECT_EQ(received, "text");
  EXPECT_TRUE(std::filesystem::is_fifo(path));
  EXPECT_THAT(directory.entries(), ElementsAre("pipe"));
}

TEST(AtomicFiles, AFullDeviceIsAnError) {
  expect_error<Error>([] { write_text_file("/dev/full", "text"); },
                      {"/dev/full", "No space left on device", "make room"});
  expect_error<Error>([] { write_text_file("/dev/full", std::string(1'000'000, 'x')); }, {"No space left on device"});
}

TEST(AtomicFiles, AWriteThatFailsPartWayLeavesNothing) {
  TemporaryDirectory directory;
  put_bytes(directory / "a", "old");
  {
    const FileSizeLimit limit(100'000);
    expect_error<Error>([&] { write_text_file(directory / "a", std::string(150'000, 'x')); },
                        {directory / "a", "File too large"});
    expect_error<Error>([&] { write_text_file(directory / "b", std::string(150'000, 'x')); }, {"File too large"});
  }
  EXPECT_THAT(directory.entries(), ElementsAre("a"));
  EXPECT_EQ(get_bytes(directory / "a"), "old");
}

TEST(AtomicFiles, ARenameThatFailsLeavesNothing) {
  TemporaryDirectory directory;
  AtomicFile file(directory / "a");
  file.write("text");
  std::filesystem::create_directory(directory / "a");
  expect_error<Error>([&] { file.commit(); }, {directory / "a", "Is a directory"});
  EXPECT_EQ(directory.entries().size(), 2U);
  {
    AtomicFile gone(directory / "b");
    std::filesystem::create_directory(directory / "b");
    EXPECT_THROW(gone.commit(), Error);
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory / "b"));
  EXPECT_EQ(directory.entries().size(), 3U);
}

TEST(AtomicFiles, RefuseAPlaceThatCannotBeWritten) {
  TemporaryDirectory directory;
  put_bytes(directory / "file", "x");
  const auto write_to = [](const std::string& path) { return [path] { write_text_file(path, "text"); }; };
  expect_error<InputError>(write_to(directory / "none/a"), {directory / "none/a", "No such file or directory"});
  expect_error<InputError>(write_to(directory / "file/a"), {"file/a", "Not a directory"});
  expect_error<InputError>(write_to(directory.path()), {directory.path(), "it is a directory"});
  expect_error<InputError>(write_to(""), {"its name is empty"});
  expect_error<InputError>(write_to(directory / std::string(300, 'n')), {"File name too long"});
  EXPECT_THAT(directory.entries(), ElementsAre("file"));
}

TEST(AtomicFiles, AreCommittedOnce) {
  TemporaryDirectory directory;
  AtomicFile file(directory / "a");
  file.commit();
  EXPECT_THROW(file.commit(), ContractError);
  EXPECT_EQ(get_bytes(directory / "a"), "");
}

TEST(Printable, KeepsErrorsOnOneLine) {
  EXPECT_EQ(printable("encoder.0"), "\"encoder.0\"");
  EXPECT_EQ(printable(std::string_view("a\n\0\xff", 4)), "\"a\\x0a\\x00\\xff\"");
  EXPECT_EQ(printable(std::string(81, 'n')), "\"" + std::string(80, 'n') + "...\"");
}

}  // namespace
}  // namespace lacuna::io

// .npy files: what NumPy writes is read, and what is not exactly that is refused in one sentence.
#include <floe/files/npy.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../support/child.h"
#include "../support/temp_folder.h"

namespace floe {
namespace {

using namespace std::string_literals;
using test::error_of;
using test::file_error_of;
using test::read_bytes;
using test::TempFolder;

// A file of this version with the header as it is given, without padding.
std::string npy(const std::string& header, const std::string& data = "", char major = 1, char minor = 0) {
  std::string bytes = "\x93NUMPY"s + major + minor;
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return bytes + header + data;
}

std::string header(const std::string& shape, const std::string& descr = "'|u1'") {
  return "{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + ", }\n";
}

std::string loading(const TempFolder& folder, const std::string& bytes) {
  std::filesystem::path path = folder.write("a.npy", bytes);
  return file_error_of(path, [&] { load_npy(path); });
}

// --- What is read ----------------------------------------------------------------------------------------------------

TEST(Npy, KeepsEveryDTypeShapeAndBit) {
  TempFolder folder;
  for (DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean}) {
    for (Shape shape : {Shape{}, Shape{0}, Shape{1}, Shape{3}, Shape{2, 0, 4}, Shape{2, 3, 1, 2, 1, 2}}) {
      Tensor saved(shape, dtype);
      dispatch(dtype, [&]<class T>() {
        for (std::int64_t i = 0; i < saved.elements(); ++i) saved.mutable_data<T>()[i] = static_cast<T>(i * 37 + 1);
      });
      save_npy(folder / "a.npy", saved);
      Tensor loaded = load_npy(folder / "a.npy");
      EXPECT_EQ(loaded.shape(), shape);
      EXPECT_EQ(loaded.dtype(), dtype);
      dispatch(dtype, [&]<class T>() { EXPECT_TRUE(std::ranges::equal(loaded.span<T>(), saved.span<T>())); });
    }
  }
}

TEST(Npy, WritesTheHeaderOfNumPy) {
  TempFolder folder;
  save_npy(folder / "a.npy", tensor<std::uint8_t>({7, 8, 9}));
  std::string text = "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }";
  EXPECT_EQ(read_bytes(folder / "a.npy"), npy(text + std::string(117 - text.size(), ' ') + "\n", "\7\10\11"));
}

TEST(Npy, ReadsHeadersOfAnyVersionLengthAndSpacing) {
  TempFolder folder;
  std::string spaced =
      "{ \"shape\" :( 2 , ) ,\n 'fortran_order':False,'descr':'|u1' } \t" + std::string(70000, ' ') + "\n";
  for (const std::string& bytes :
       {npy(header("(2,)"), "ab"), npy(header("(2,)"), "ab", 2), npy(header("(2,)"), "ab", 3),
        npy("{'descr':'|u1','fortran_order':False,'shape':(2,)}", "ab"), npy(spaced, "ab", 2)}) {
    EXPECT_EQ(load_npy(folder.write("a.npy", bytes)).to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{'a', 'b'}));
  }
}

// --- What is refused -------------------------------------------------------------------------------------------------

struct Bad {
  std::string bytes, message;
};

TEST(Npy, RefusesOtherFiles) {
  TempFolder folder;
  for (const auto& [bytes, message] : std::vector<Bad>{
           {"", "offset 0: expected a .npy file, found ''"},
           {"\x93", "offset 0: expected a .npy file, found '\\x93'"},
           {"\x93NUMPZ\1\0"s, "offset 0: expected a .npy file, found '\\x93NUMPZ\\x01\\x00'"},
           {"\0NUMPY\1\0"s, "offset 0: expected a .npy file, found '\\x00NUMPY\\x01\\x00'"},
           {"<!DOCTYPE html>", "offset 0: expected a .npy file, found an HTML page (a failed download?)"},
           {"version https://git-lfs.github.com/spec/v1",
            "offset 0: expected a .npy file, found a Git LFS pointer ('git lfs pull' fetches the data)"},
           {"PK\3\4", "offset 0: expected a .npy file, found a zip archive"},
           {"\x93NUMPY", "offset 6: expected the version (2 bytes), the file ends after 6 bytes"},
           {"\x93NUMPY\1\0"s, "offset 8: expected the length of the header (2 bytes), the file ends after 8 bytes"},
           {"\x93NUMPY\1\0\x76"s, "offset 8: expected the length of the header (2 bytes), the file ends after 9 bytes"},
           {npy("", "", 4), "offset 6: version 4.0 is unknown; expected 1.0, 2.0 or 3.0"},
           {npy("", "", 0), "offset 6: version 0.0 is unknown; expected 1.0, 2.0 or 3.0"},
           {npy("", "", 1, 1), "offset 6: version 1.1 is unknown; expected 1.0, 2.0 or 3.0"}}) {
    EXPECT_EQ(loading(folder, bytes), message);
  }
}

TEST(Npy, RefusesHeaderLengthsBeyondTheFile) {
  TempFolder folder;
  auto claiming = [&](std::uint32_t length) {
    return loading(folder, "\x93NUMPY\2\0"s + std::string(reinterpret_cast<char*>(&length), 4) + "x");
  };
  EXPECT_EQ(claiming(0), "offset 12: expected '{', found the end of the header");
  EXPECT_EQ(claiming(1), "offset 12: expected '{', found 'x'");
  EXPECT_EQ(claiming(2), "offset 12: expected the header (2 bytes), the file ends after 13 bytes");
  EXPECT_EQ(claiming(100'000'000), "offset 12: expected the header (100000000 bytes), the file ends after 13 bytes");
  for (std::uint32_t length : {100'000'001u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    EXPECT_EQ(claiming(length), "offset 8: the header would take " + std::to_string(length) +
                                    " bytes, more than the limit of 100000000");
  }
}

TEST(Npy, RefusesHeadersThatAreNotOne) {
  TempFolder folder;
  for (const auto& [text, message] : std::vector<Bad>{
           {"x", "offset 10: expected '{', found 'x'"},
           {"{", "offset 11: expected a key in quotes, found the end of the header"},
           {"{}", "header: the key 'descr' is missing"},
           {"{'descr': '<f4'}", "header: the key 'fortran_order' is missing"},
           {"{'descr': '<f4', 'fortran_order': False}", "header: the key 'shape' is missing"},
           {"{'descr': '<f4', 'descr': '<f4'}", "header: the key 'descr' appears twice"},
           {"{'title': 'x'}", "header: the key 'title' is unknown; expected descr, fortran_order and shape"},
           {"{descr: '<f4'}", "offset 11: expected a key in quotes, found 'd'"},
           {"{'descr' '<f4'}", "offset 19: expected ':', found '''"},
           {"{'descr': '<f4}", "offset 20: expected a type such as '<f4', found '''"},
           {"{'descr': '<f4' 'shape': ()}", "offset 26: expected '}', found '''"},
           {"{'descr': <f4}", "offset 20: expected a type such as '<f4', found '<'"},
           {header("()") + "x", "offset 66: expected the end of the header, found 'x'"},
           {header("()") + "\0"s, "offset 66: expected the end of the header, found '\\x00'"}}) {
    EXPECT_EQ(loading(folder, npy(text)), message);
  }
}

TEST(Npy, RefusesOtherTypes) {
  TempFolder folder;
  std::string known = "; expected one of <f4, <f8, <i4, <i8, |u1, |b1";
  for (const auto& [descr, message] : std::vector<Bad>{
           {"'<f2'", "header: descr is '<f2'" + known},
           {"'|i1'", "header: descr is '|i1'" + known},
           {"'<U5'", "header: descr is '<U5'" + known},
           {"''", "header: descr is ''" + known},
           {"'<F4'", "header: descr is '<F4'" + known},
           {"'|O'", "header: descr is '|O': Python objects, which run code when they are loaded, are not read"},
           {"'>f4'", "header: descr is '>f4': big-endian numbers are not read; save array.astype('<f4')"},
           {"[('x', '<f4')]", "header: descr is a list of fields; expected one type such as '<f4'"},
           {"4", "offset 20: expected a type such as '<f4', found '4'"}}) {
    EXPECT_EQ(loading(folder, npy(header("(1,)", descr), "x")), message);
  }
}

TEST(Npy, RefusesFortranOrder) {
  TempFolder folder;
  std::string start = "{'descr': '<f4', 'shape': (1, 1), 'fortran_order': ";
  EXPECT_EQ(loading(folder, npy(start + "True}", "1234")),
            "header: the array is in Fortran order; save numpy.ascontiguousarray(array)");
  EXPECT_EQ(loading(folder, npy(start + "0}", "1234")), "header: fortran_order is '0'; expected False");
}

TEST(Npy, RefusesOtherShapes) {
  TempFolder folder;
  std::string uncountable = " has more elements than can be counted";
  for (const auto& [shape, message] : std::vector<Bad>{
           {"(-1,)", "header: shape holds -1; sizes cannot be negative"},
           {"(3, -9223372036854775808)", "header: shape holds -9223372036854775808; sizes cannot be negative"},
           {"(1.5,)", "header: shape holds '1.5'; expected whole numbers"},
           {"(1e3,)", "header: shape holds '1e3'; expected whole numbers"},
           {"(True,)", "header: shape holds 'True'; expected whole numbers"},
           {"('3',)", "header: shape holds ''3''; expected whole numbers"},
           {"(None,)", "header: shape holds 'None'; expected whole numbers"},
           {"(03,)", "header: shape holds '03'; expected whole numbers"},
           {"(,)", "header: shape holds ''; expected whole numbers"},
           {"((3,),)", "header: shape holds ''; expected whole numbers"},
           {"(3)", "header: shape is (3), which is a number; expected (3,)"},
           {"3", "offset 60: expected '(', found '3'"},
           {"[3]", "offset 60: expected '(', found '['"},
           {"(3 4)", "offset 63: expected ',' or ')', found '4'"},
           {"(9223372036854775808,)", "header: shape holds '9223372036854775808', which is beyond 63 bits"},
           {"(1, 1, 1, 1, 1, 1, 1)", "header: shape has more than 6 axes, which is all a tensor can have"},
           {"(4294967296, 4294967296)", "header: shape (4294967296, 4294967296)" + uncountable},
           {"(4294967297, 4294967296)", "header: shape (4294967297, 4294967296)" + uncountable},
           {"(0, 4294967296, 4294967296)", "header: shape (0, 4294967296, 4294967296)" + uncountable}}) {
    EXPECT_EQ(loading(folder, npy(header(shape), "abc")), message) << shape;
  }
}

TEST(Npy, RefusesAShapeOfAMillionAxes) {
  TempFolder folder;
  std::string shape = "(";
  for (int i = 0; i < 1'000'000; ++i) shape += "1,";
  EXPECT_EQ(loading(folder, npy(header(shape + ")"), "x", 2)),
            "header: shape has more than 6 axes, which is all a tensor can have");
}

TEST(Npy, RefusesDataOfAnotherLength) {
  TempFolder folder;
  EXPECT_EQ(loading(folder, npy(header("(2, 3)", "'<f4'"), std::string(23, 'x'))),
            "offset 70: expected 24 bytes of data for shape (2, 3), float32, found 23");
  EXPECT_EQ(loading(folder, npy(header("(2, 3)", "'<f4'"), std::string(25, 'x'))),
            "offset 94: expected the end of the file, found 1 byte more");
  EXPECT_EQ(loading(folder, npy(header("()", "'<f8'"), "")),
            "offset 66: expected 8 bytes of data for shape (), float64, found 0");
}

TEST(Npy, RefusesABoolThatIsNeitherTrueNorFalse) {
  TempFolder folder;
  EXPECT_EQ(loading(folder, npy(header("(3,)", "'|b1'"), "\1\0\2"s)), "offset 70: a bool is 0 or 1, found 2");
}

TEST(Npy, RefusesTruncationAtEveryByte) {
  TempFolder folder;
  save_npy(folder / "whole.npy", tensor({1, 2, 3}));
  std::string whole = read_bytes(folder / "whole.npy");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(loading(folder, whole.substr(0, size)), "no error") << size;
  }
}

TEST(Npy, SurvivesEveryFlippedBit) {
  TempFolder folder;
  save_npy(folder / "whole.npy", tensor<std::uint8_t>({1, 2, 3}));
  std::string whole = read_bytes(folder / "whole.npy");
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    loading(folder, flipped);
  }
}

TEST(Npy, RefusesASparseFileOfATebibyte) {
  TempFolder folder;
  std::filesystem::path path = folder.write("a.npy", npy(header("(3,)"), "abc"));
  std::filesystem::resize_file(path, std::uint64_t{1} << 40);
  EXPECT_EQ(file_error_of(path, [&] { load_npy(path); }),
            "offset 71: expected the end of the file, found 1099511627705 bytes more");
}

TEST(Npy, TakesNoMemoryForWhatAHeaderOnlyClaims) {
  if (!test::can_limit_memory) GTEST_SKIP() << "a sanitizer takes the addresses that this test would limit";
  TempFolder folder;
  std::string answer = test::in_child([&] {
    test::limit_memory(16 << 20);
    return loading(folder, npy(header("(1000000000000,)", "'<f8'"), "abc")) + "; " +
           loading(folder, "\x93NUMPY\2\0"s + "\xf0\xf0\xf0\0"s + "x");
  });
  EXPECT_EQ(answer,
            "offset 80: expected 8000000000000 bytes of data for shape (1000000000000,), float64, found 3; "
            "offset 12: expected the header (15790320 bytes), the file ends after 13 bytes");
}

TEST(Npy, RefusesToSaveATensorWithoutAValue) {
  TempFolder folder;
  EXPECT_EQ(error_of([&] { save_npy(folder / "a.npy", Tensor()); }), "save_npy: the tensor has no value yet");
}

// --- Rows ------------------------------------------------------------------------------------------------------------

TEST(NpyFile, ReadsTheRowsAskedFor) {
  TempFolder folder;
  save_npy(folder / "a.npy", tensor({{0, 1}, {10, 11}, {20, 21}, {30, 31}}));
  NpyFile file(folder / "a.npy");
  EXPECT_EQ(file.shape(), (Shape{4, 2}));
  EXPECT_EQ(file.dtype(), DType::int32);
  EXPECT_EQ(file.rows(1, 3).to_vector<int>(), (std::vector<int>{10, 11, 20, 21}));
  EXPECT_EQ(file.rows(4, 4).shape(), (Shape{0, 2}));
  std::vector<std::int64_t> rows{3, 0, 3};
  Tensor gathered = file.gather(rows);
  EXPECT_EQ(gathered.shape(), (Shape{3, 2}));
  EXPECT_EQ(gathered.to_vector<int>(), (std::vector<int>{30, 31, 0, 1, 30, 31}));
  EXPECT_EQ(file.gather({}).shape(), (Shape{0, 2}));
}

TEST(NpyFile, RefusesRowsThatAreNotThere) {
  TempFolder folder;
  std::string path = (folder / "a.npy").string();
  save_npy(path, tensor({{0, 1}, {10, 11}}));
  NpyFile file(path);
  EXPECT_EQ(error_of([&] { file.rows(1, 3); }), "rows: 1 to 3 of " + path + ", which has 2 rows");
  EXPECT_EQ(error_of([&] { file.rows(-1, 1); }), "rows: -1 to 1 of " + path + ", which has 2 rows");
  EXPECT_EQ(error_of([&] { file.rows(2, 1); }), "rows: 2 to 1 of " + path + ", which has 2 rows");
  EXPECT_EQ(
      error_of([&] { file.rows(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()); }),
      "rows: -9223372036854775808 to 9223372036854775807 of " + path + ", which has 2 rows");
  std::vector<std::int64_t> rows{0, 2};
  EXPECT_EQ(error_of([&] { file.gather(rows); }), "gather: row 2 of " + path + ", which has 2 rows");
  save_npy(path, tensor(5));
  EXPECT_EQ(error_of([&] { NpyFile(path).rows(0, 1); }), "rows: " + path + " holds one number, which has no rows");
}

TEST(NpyFile, ReadsTheLastRowOfATebibyte) {
  TempFolder folder;
  std::string start = npy(header("(1048576, 1048576)"));
  std::filesystem::path path = folder.write("a.npy", start);
  std::filesystem::resize_file(path, start.size() + (std::uint64_t{1} << 40));
  Tensor row = NpyFile(path).rows(1048575, 1048576);
  EXPECT_EQ(row.shape(), (Shape{1, 1048576}));
  EXPECT_EQ(row.data<std::uint8_t>()[1048575], 0);
}

TEST(NpyFile, RefusesAFileThatBecomesShorter) {
  TempFolder folder;
  std::filesystem::path path = folder.write("a.npy", npy(header("(6,)"), "abcdef"));
  NpyFile file(path);
  std::filesystem::resize_file(path, 72);
  EXPECT_EQ(file.rows(0, 2).to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{'a', 'b'}));
  EXPECT_EQ(file_error_of(path, [&] { file.rows(2, 6); }),
            "offset 72: expected the rows, the file became shorter meanwhile");
  std::vector<std::int64_t> rows{5};
  EXPECT_EQ(file_error_of(path, [&] { file.gather(rows); }),
            "offset 73: expected a row, the file became shorter meanwhile");
}

// --- NumPy -----------------------------------------------------------------------------------------------------------

TEST(Npy, AgreesWithNumPy) {
  if (std::system("python3 -c 'import numpy' 2> /dev/null") != 0) GTEST_SKIP() << "python3 with numpy is not there";
  TempFolder folder;
  save_npy(folder / "a.npy", tensor({{1.5, -2.0}, {0.1, 4.0}}));
  std::ofstream(folder / "check.py")
      << "import numpy as np\n"
         "a = np.load('a.npy', allow_pickle=False)\n"
         "assert a.dtype == np.float32 and a.tolist() == np.float32([[1.5, -2], [.1, 4]]).tolist()\n"
         "np.save('b.npy', np.arange(24, dtype='<i8').reshape(2, 3, 4))\n"
         "np.save('scalar.npy', np.float64(2.5))\n"
         "np.save('bool.npy', np.array([True, False]))\n"
         "np.save('fortran.npy', np.asfortranarray(np.zeros((2, 3))))\n"
         "np.save('object.npy', np.array([None]))\n";
  ASSERT_EQ(std::system(("cd " + folder.path().string() + " && python3 check.py").c_str()), 0);
  EXPECT_EQ(load_npy(folder / "b.npy").shape(), (Shape{2, 3, 4}));
  EXPECT_EQ(load_npy(folder / "b.npy").data<std::int64_t>()[23], 23);
  EXPECT_EQ(load_npy(folder / "scalar.npy").item(), 2.5);
  EXPECT_TRUE(load_npy(folder / "bool.npy").data<bool>()[0]);
  EXPECT_FALSE(load_npy(folder / "bool.npy").data<bool>()[1]);
  EXPECT_EQ(file_error_of(folder / "fortran.npy", [&] { load_npy(folder / "fortran.npy"); }),
            "header: the array is in Fortran order; save numpy.ascontiguousarray(array)");
  EXPECT_EQ(file_error_of(folder / "object.npy", [&] { load_npy(folder / "object.npy"); }),
            "header: descr is '|O': Python objects, which run code when they are loaded, are not read");
}

}  // namespace
}  // namespace floe

// Whole messages: what a test provokes, compared from the first character to the line of the call.
#pragma once

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include <support/temp_folder.h>

namespace floe::test {

// `action` throws an E that says exactly `message` and names line `line` of `file`.
template <class E>
void expect_message(const std::string& file, int line, const std::string& message,
                    const std::function<void()>& action) {
  EXPECT_EQ(error_of<E>(action), message + "\n  at " + file + ":" + std::to_string(line));
}

}  // namespace floe::test

// EXPECT_MESSAGE(ShapeError, add(a, b), "add: ..."): the call is refused with this message, which names this line.
#define EXPECT_MESSAGE(Error, call, message) \
  ::floe::test::expect_message<Error>(__FILE__, __LINE__, message, [&] { (void)(call); })

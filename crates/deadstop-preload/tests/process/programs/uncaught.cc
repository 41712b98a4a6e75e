// An exception that leaves `main`, after one that is caught there.
#include <cstdio>
#include <stdexcept>

int main() {
  try {
    throw std::runtime_error("caught");
  } catch (std::exception &error) {
    std::puts(error.what());
    std::fflush(stdout);
  }
  throw std::runtime_error("uncaught");
}

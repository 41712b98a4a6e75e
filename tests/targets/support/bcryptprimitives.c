/* Rust's std takes random numbers from ProcessPrng, which wine 8 does not have. For tests
 * under wine only. */
#include <windows.h>

/* Documented as RtlGenRandom. */
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *buffer, SIZE_T length) {
    return SystemFunction036(buffer, (ULONG)length);
}

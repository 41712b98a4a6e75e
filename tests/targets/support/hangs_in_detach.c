// A library that hangs when its process ends.
#include <windows.h>

BOOL WINAPI DllMain(HINSTANCE library, DWORD reason, LPVOID reserved) {
    (void)library, (void)reserved;
    while (reason == DLL_PROCESS_DETACH) {
        Sleep(1000);
    }
    return TRUE;
}

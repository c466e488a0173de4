/* A stand-in for libnvidia-ml.so.1 with two devices whose names say that they are fakes. */
#include <string.h>
typedef void *device;
static int slots[2];
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *n) { *n = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, device *d) { if (i > 1) return 2; *d = &slots[i]; return 0; }
int nvmlDeviceGetName(device d, char *s, unsigned n) { strncpy(s, "FAKE GPU", n); return 0; }
int nvmlSystemGetDriverVersion(char *s, unsigned n) { strncpy(s, "999.1", n); return 0; }
int nvmlDeviceGetMemoryInfo(device d, unsigned long long *m) { m[0] = 80ull << 30; m[1] = 79ull << 30; m[2] = 1ull << 30; return 0; }
int nvmlDeviceGetPowerUsage(device d, unsigned *v) { *v = 123456; return 0; }
int nvmlDeviceGetEccMode(device d, unsigned *a, unsigned *b) { *a = *b = 1; return 0; }
int nvmlDeviceGetTotalEccErrors(device d, int kind, int counter, unsigned long long *v) { *v = d == &slots[1] ? 3 : 0; return 0; }
int nvmlDeviceGetCurrentClocksThrottleReasons(device d, unsigned long long *v) { *v = d == &slots[1] ? 0x40 | 0x1 : 0x1; return 0; }
int nvmlDeviceGetUtilizationRates(device d, unsigned *v) { v[0] = 7; v[1] = 3; return 0; }
int nvmlDeviceGetMigMode(device d, unsigned *a, unsigned *b) { return 3; /* not supported */ }
int nvmlDeviceGetComputeRunningProcesses_v3(device d, unsigned *n, void *p) { *n = d == &slots[1] ? 2 : 0; return *n ? 7 : 0; }

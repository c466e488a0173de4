/* A stand-in for libnvidia-ml.so.1 with two devices whose names say that they are fakes.

With FAKE_NVML_CURVE in its environment power is 400 W + 150 W sin(t / 7 s), t being CLOCK_MONOTONIC, the energy counter
its integral from 0; the clocks of memory and SM are the t at which the counter was last read, in whole milliseconds and
the microseconds beyond. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
typedef void *device;
typedef struct { unsigned field, scope; long long timestamp, latency; unsigned kind, code; unsigned long long value; } field;
static unsigned long long read_us;
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }
static int slots[2];
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *n) { *n = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, device *d) { if (i > 1) return 2; *d = &slots[i]; return 0; }
int nvmlDeviceGetName(device d, char *s, unsigned n) { strncpy(s, "FAKE GPU", n); return 0; }
int nvmlSystemGetDriverVersion(char *s, unsigned n) { strncpy(s, "999.1", n); return 0; }
int nvmlDeviceGetMemoryInfo(device d, unsigned long long *m) { m[0] = 80ull << 30; m[1] = 79ull << 30; m[2] = 1ull << 30; return 0; }
int nvmlDeviceGetPowerUsage(device d, unsigned *v) { *v = getenv("FAKE_NVML_CURVE") ? 1000 * (400 + 150 * sin(now() / 7)) : 123456; return 0; }
int nvmlDeviceGetTotalEnergyConsumption(device d, unsigned long long *v) {
  if (!getenv("FAKE_NVML_CURVE")) { *v = 5000000; return 0; }
  double t = now();
  read_us = t * 1e6;
  *v = 1000 * (400 * t - 150 * 7 * (cos(t / 7) - 1));
  return 0;
}
int nvmlDeviceGetClockInfo(device d, int kind, unsigned *v) { if (kind == 0 || !getenv("FAKE_NVML_CURVE")) return 3; *v = kind == 2 ? read_us / 1000 : read_us % 1000; return 0; }
/* NVLink as wide counters, PCIe to the device as one that wraps at 32 bits, from it as not supported. */
int nvmlDeviceGetFieldValues(device d, int n, field *f) {
  for (int i = 0; i < n; i++) {
    f[i].code = f[i].field == 198 ? 3 : 0;
    f[i].kind = f[i].field == 197 ? 1 : 3;
    f[i].value = f[i].scope == 0xFFFFFFFF ? f[i].field * 10 : 0;
  }
  return 0;
}
int nvmlDeviceGetEccMode(device d, unsigned *a, unsigned *b) { *a = *b = 1; return 0; }
int nvmlDeviceGetTotalEccErrors(device d, int kind, int counter, unsigned long long *v) { *v = d == &slots[1] ? 3 : 0; return 0; }
int nvmlDeviceGetCurrentClocksThrottleReasons(device d, unsigned long long *v) { *v = d == &slots[1] ? 0x40 | 0x1 : 0x1; return 0; }
int nvmlDeviceGetUtilizationRates(device d, unsigned *v) { v[0] = 7; v[1] = 3; return 0; }
int nvmlDeviceGetMigMode(device d, unsigned *a, unsigned *b) { return 3; /* not supported */ }
int nvmlDeviceGetComputeRunningProcesses_v3(device d, unsigned *n, void *p) { *n = d == &slots[1] ? 2 : 0; return *n ? 7 : 0; }

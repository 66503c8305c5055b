namespace Vtpm.Storage;

/// <summary>
/// How long a block device is. Its status says zero, but reading past its end gives no bytes: double, then halve. Needs neither an ioctl nor a
/// mounted /sys.
/// </summary>
internal static class DeviceLength
{
    private const int Sector = 512;

    // No device is that long; a character device such as /dev/zero, which has bytes everywhere, is.
    private const long MostSectors = (1L << 56) / Sector;

    /// <summary>Zero for what has no bytes at all.</summary>
    /// <exception cref="IOException">There is no end.</exception>
    public static long Probe(Func<long, bool> hasByteAt)
    {
        if (!hasByteAt(0)) return 0;
        (long present, long absent) = (0, 1);
        while (hasByteAt((absent * Sector) - 1))
        {
            (present, absent) = (absent, absent * 2);
            if (absent > MostSectors) throw new IOException("it has no end");
        }

        while (absent - present > 1)
        {
            long middle = present + ((absent - present) / 2);
            if (hasByteAt((middle * Sector) - 1)) present = middle;
            else absent = middle;
        }

        return present * Sector;
    }
}

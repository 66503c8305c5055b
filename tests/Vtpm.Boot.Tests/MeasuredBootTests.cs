using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Boot.Tests;

public sealed class MeasuredBootTests
{
    // sha1sum of "kernel", "root=/dev/xvda1" and nothing.
    private const string Kernel = "c65a0fb7e74ffd2c9fc3a0f9aacb0f6a24b0a68b";
    private const string CommandLine = "39e19bccffebd2f6fec3930df5782b19f7e47ea7";
    private const string Nothing = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

    private static readonly MeasuredBoot Boot = new(TpmDigest.Of("kernel"u8), MeasuredBoot.Of("root=/dev/xvda1"u8.ToArray()), TpmDigest.Of([]));

    [Fact]
    public void Measurements_AreKernelThenCommandLineThenInitrd()
    {
        Assert.Equal($"4:{Kernel},5:{CommandLine},5:{Nothing}", BootMeasurementList.Format(Boot.Measurements));
    }

    [Fact]
    public void FreshPcrs_AreWhatThoseExtensionsLeave()
    {
        // (20 zero bytes || digest) | sha1sum, twice for PCR 5.
        Assert.Equal(["4:30b629a71c915d59080b1b146c313b5e6d7aef20", "5:b6427af47cdd143042c68de7b4118190662decf2"], Boot.FreshPcrs.Select(pcr => $"{pcr.Key}:{pcr.Value}"));
    }

    [Fact]
    public void Extend_SendsThreeCommandsInThatOrder()
    {
        var seen = new List<string>();
        using var tpm = new TpmClient(new InMemoryTpm((_, request, response) => Answer(request, response, seen, refuseAt: 3)).Connect());
        Assert.Equal([4, 5], Boot.Extend(tpm).Keys);
        Assert.Equal(
            [$"00c1000000220000001400000004{Kernel}", $"00c1000000220000001400000005{CommandLine}", $"00c1000000220000001400000005{Nothing}"], seen);
    }

    [Fact]
    public void Extend_OfATpmThatRefuses_Fails()
    {
        var seen = new List<string>();
        using var tpm = new TpmClient(new InMemoryTpm((_, request, response) => Answer(request, response, seen, refuseAt: 1)).Connect());
        Assert.Throws<TpmCommandException>(() => Boot.Extend(tpm));
        Assert.Equal(2, seen.Count);
    }

    private static int Answer(ReadOnlySpan<byte> request, Span<byte> response, List<string> seen, int refuseAt)
    {
        seen.Add(Convert.ToHexStringLower(request));
        string answer = seen.Count <= refuseAt ? "00c40000001e00000000" + new string('0', 40) : "00c40000000a00000009";
        Convert.FromHexString(answer, response, out _, out int length);
        return length;
    }
}

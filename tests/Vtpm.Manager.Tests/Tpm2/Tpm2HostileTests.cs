using Vtpm.Client;
using Vtpm.Storage;
using Xunit;

namespace Vtpm.Manager.Tests.Tpm2;

/// <summary>Responses that no TPM gives: each is an error that the manager knows, and costs neither memory nor time.</summary>
public sealed class Tpm2HostileTests : IDisposable
{
    private const uint Mask = 0x0000FF;
    private static readonly byte[] Secret = new byte[84];
    private readonly Tpm2Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    /// <summary>Each response of a start, a sealing and an unsealing, cut off at every byte, its size made right or left.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Response_CutOffAnywhere_IsAnErrorOfItsKind(bool withRightSize)
    {
        int commands = Count();
        for (int command = 0; command < commands; command++)
        {
            for (int length = 0, whole = int.MaxValue; length < Math.Min(whole, 700); length++)
            {
                int at = length;
                Run(command, response =>
                {
                    whole = response.Length;
                    byte[] cut = response[..Math.Min(at, response.Length)];
                    if (withRightSize && cut.Length >= 6) (cut[2], cut[3], cut[4], cut[5]) = (0, 0, (byte)(cut.Length >> 8), (byte)cut.Length);
                    return cut;
                });
                // Beyond the first hundred bytes, a few of them do.
                if (length > 100) length += 6;
            }
        }
    }

    [Fact]
    public void Response_WithBytesChangedAtRandom_IsAnErrorOfItsKind()
    {
        var random = new Random(1);
        int commands = Count();
        for (int i = 0; i < 1500; i++)
        {
            Run(random.Next(commands), response =>
            {
                byte[] changed = [.. response];
                for (int n = random.Next(1, 4); n > 0; n--) changed[random.Next(2, changed.Length)] = (byte)random.Next(256);
                return changed;
            });
        }
    }

    [Fact]
    public void List_LongerThanItsMessage_IsNotAllocated()
    {
        _machine.Script = (request, send) =>
        {
            byte[] response = send(request);
            if (request[9] == 0x7A && response.Length >= 19) (response[15], response[16], response[17], response[18]) = (0x7F, 0xFF, 0xFF, 0xFF);
            return response;
        };
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.ThrowsAny<ManagerException>(() => _machine.Hardware());
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000);
    }

    private int Count()
    {
        int count = 0;
        Exercise(response => response, () => count++);
        return count;
    }

    /// <summary>The same, with the n-th response changed.</summary>
    private void Run(int command, Func<byte[], byte[]> change)
    {
        int n = 0;
        try
        {
            Exercise(response => n - 1 == command ? change(response) : response, () => n++);
        }
        catch (Exception e) when (e is TpmException or ManagerException)
        {
            // As it should be. That it was none at all is well, too: not every byte matters.
        }
    }

    private void Exercise(Func<byte[], byte[]> change, Action count)
    {
        _machine.Traffic.Clear();
        _machine.Script = (request, send) =>
        {
            byte[] response = send(request);
            count();
            return change(response);
        };
        using IHardwareTpm hardware = _machine.Hardware();
        if (hardware.Seal(new PlatformConfiguration(Mask, hardware.ReadComposite(Mask)), Secret) is not { } entry) return;
        hardware.Unseal(entry);
        hardware.PassThrough(Convert.FromHexString("00c10000000e0000004600000010"), new byte[4096]);
    }
}

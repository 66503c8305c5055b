using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests.Tpm2;

/// <summary>Sealing by a TPM 2.0: the form on the disk, what passes on the bus, and what a TPM or whoever sits before it may do to it.</summary>
public sealed class Tpm2SealingTests : IDisposable
{
    private const uint Mask = 0x0000FF;
    private static readonly byte[] Secret = [.. Enumerable.Range(100, 84).Select(i => (byte)i)];
    private readonly Tpm2Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Entry_HasTheFormOfTheDocument()
    {
        using IHardwareTpm hardware = _machine.Hardware();
        TpmDigest platform = hardware.ReadComposite(Mask);
        SealEntry entry = Seal(hardware, Secret);
        Assert.Equal((Mask, platform, platform), (entry.PcrMask, entry.DigestAtSeal, entry.DigestRelease));
        byte[] data = entry.SealedData;
        Assert.Equal(256, data.Length);
        Assert.Equal("TPM2"u8, data.AsSpan(0, 4));
        Assert.Equal(0x000B, BinaryPrimitives.ReadUInt16BigEndian(data.AsSpan(4)));
        // The template's Name is not the key's: TPM2_ReadPublic of the loaded key tells it.
        byte[] answer = _machine.Raw.Send(0x173, [Assert.Single(_machine.Raw.Handles(TpmRh.TransientFirst))], null);
        int size = BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(10));
        byte[] name = [0, 0x0B, .. SHA256.HashData(answer.AsSpan(12, size))];
        Assert.Equal(SHA256.HashData(name).AsSpan(0, 8), data.AsSpan(6, 8));
        Assert.Equal(186, BinaryPrimitives.ReadUInt16BigEndian(data.AsSpan(34)));
        Assert.Equal(222, 36 + 186);
        Assert.DoesNotContain(data[222..], b => b != 0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(72)]
    [InlineData(84)]
    public void Seal_OfAnyLength_OpensAHundredTimesAndLeavesNothingLoaded(int length)
    {
        using IHardwareTpm hardware = _machine.Hardware();
        byte[] secret = Secret[..length];
        SealEntry entry = Seal(hardware, secret);
        for (int i = 0; i < 100; i++) Assert.Equal(secret, hardware.Unseal(entry));
        Assert.Single(_machine.Raw.Handles(TpmRh.TransientFirst));
        Assert.Empty(_machine.Raw.Handles(TpmRh.LoadedSessionFirst));
        hardware.Dispose();
        Assert.Empty(_machine.Raw.Handles(TpmRh.TransientFirst));
    }

    [Fact]
    public void Seal_ThatIsRefusedAHundredTimes_LeavesNothingLoaded()
    {
        using IHardwareTpm hardware = _machine.Hardware();
        SealEntry entry = Seal(hardware, Secret);
        entry.SealedData[60] ^= 1;
        for (int i = 0; i < 100; i++) Assert.Null(hardware.Unseal(entry));
        Assert.Contains("is damaged", Assert.Single(hardware.TakeUnsealFaults()), StringComparison.Ordinal);
        Assert.Single(_machine.Raw.Handles(TpmRh.TransientFirst));
        Assert.Empty(_machine.Raw.Handles(TpmRh.LoadedSessionFirst));
    }

    /// <summary>A configuration of no PCRs is one as well; the authority may want it.</summary>
    [Fact]
    public void Seal_ToNoPcrs_Opens()
    {
        using IHardwareTpm hardware = _machine.Hardware();
        var platform = new PlatformConfiguration(0, hardware.ReadComposite(0));
        SealEntry? entry = hardware.Seal(platform, Secret);
        Assert.NotNull(entry);
        Assert.Equal(Secret, hardware.Unseal(entry.Value));
    }

    [Fact]
    public void Seal_AndUnseal_TellTheBusNothing()
    {
        using IHardwareTpm hardware = _machine.Hardware();
        byte[] secret = RandomNumberGenerator.GetBytes(84);
        Assert.Equal(secret, hardware.Unseal(Seal(hardware, secret)));
        Assert.DoesNotContain(_machine.Traffic, message => message.AsSpan().IndexOf(secret.AsSpan(0, 16)) >= 0 || message.AsSpan().IndexOf(secret.AsSpan(68)) >= 0);
    }

    /// <summary>Policies are made by the TPM and not by us: what the entry does not say correctly, the TPM does not open.</summary>
    [Fact]
    public void Entry_WithAnyByteChanged_DoesNotOpen()
    {
        using IHardwareTpm hardware = _machine.Hardware();
        byte[] entry = WireFormat.ToBytes(Seal(hardware, Secret));
        for (int i = 0; i < entry.Length; i++)
        {
            if (i is >= 4 and < 24) continue;   // What it was sealed at is for the record.
            byte[] changed = [.. entry];
            changed[i] ^= 0x01;
            Assert.Equal(TpmResult.Success, WireFormat.Read(changed, out SealEntry other));
            Assert.Null(hardware.Unseal(other));
            Assert.NotEmpty(hardware.TakeUnsealFaults());
        }

        Assert.Equal(TpmResult.Success, WireFormat.Read(entry, out SealEntry same));
        Assert.Equal(Secret, hardware.Unseal(same));
    }

    [Fact]
    public void Unseal_OfATpmThatWasReset_FindsItsWayAgain()
    {
        var log = new List<string>();
        using IHardwareTpm hardware = _machine.Hardware(log: log.Add);
        SealEntry entry = Seal(hardware, Secret);
        foreach (bool startup in (bool[])[true, false])
        {
            _machine.PowerCycle(startup);
            Assert.Equal(Secret, hardware.Unseal(entry));
        }

        Assert.Contains(log, line => line.Contains("trying again", StringComparison.Ordinal));
    }

    [Fact]
    public void Unseal_WhoseKeyOthersHaveFlushed_LoadsItAgain()
    {
        using IHardwareTpm hardware = _machine.Hardware();
        SealEntry entry = Seal(hardware, Secret);
        _machine.Raw.Flush(Assert.Single(_machine.Raw.Handles(TpmRh.TransientFirst)));
        Assert.Equal(Secret, hardware.Unseal(entry));
    }

    [Fact]
    public void Unseal_WhenOthersHaveFilledTheTpm_MakesRoom()
    {
        using IHardwareTpm hardware = _machine.Hardware();
        SealEntry entry = Seal(hardware, Secret);
        while (_machine.Raw.Handles(TpmRh.TransientFirst).Length < 3) _machine.Raw.CreatePrimary(RawTpm2.EccStorageKey, []);
        Assert.Equal(Secret, hardware.Unseal(entry));
        Assert.Single(_machine.Raw.Handles(TpmRh.TransientFirst));
    }

    [Theory]
    [InlineData(0x922)]   // TPM_RC_RETRY
    [InlineData(0x908)]   // TPM_RC_YIELDED
    [InlineData(0x90A)]   // TPM_RC_TESTING
    public void Unseal_OfATpmThatIsBusy_Waits(int code)
    {
        using IHardwareTpm hardware = _machine.Hardware();
        SealEntry entry = Seal(hardware, Secret);
        bool isBusy = false;
        // Every command is answered so once.
        _machine.Script = (request, send) => (isBusy = !isBusy) ? Code(code) : send(request);
        Assert.Equal(Secret, hardware.Unseal(entry));
    }

    [Fact]
    public void Unseal_OfATpmThatIsLockedOut_IsNotTakenForAnotherConfiguration()
    {
        using IHardwareTpm hardware = _machine.Hardware();
        SealEntry entry = Seal(hardware, Secret);
        _machine.Script = (request, send) => request[9] == 0x57 ? Code(0x921) : send(request);
        Assert.Contains("Lockout", Assert.Throws<ManagerException>(() => hardware.Unseal(entry)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Unseal_WithAnyBitOfTheAnswerChanged_IsNotBelieved()
    {
        using IHardwareTpm hardware = _machine.Hardware();
        SealEntry entry = Seal(hardware, Secret);
        for (int at = 14; at < 100; at++)
        {
            _machine.Script = (request, send) =>
            {
                byte[] response = send(request);
                if (request[9] == 0x5E) response[at] ^= 0x10;
                return response;
            };
            Assert.ThrowsAny<TpmException>(() => hardware.Unseal(entry));
        }

        _machine.Script = null;
        Assert.Equal(Secret, hardware.Unseal(entry));
    }

    private static SealEntry Seal(IHardwareTpm hardware, byte[] secret)
    {
        SealEntry? entry = hardware.Seal(new PlatformConfiguration(Mask, hardware.ReadComposite(Mask)), secret);
        Assert.NotNull(entry);
        return entry.Value;
    }

    private static byte[] Code(int code) => [0x80, 1, 0, 0, 0, 10, .. RawTpm2.BigEndian((uint)code)];
}

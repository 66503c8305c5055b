using System.Buffers.Binary;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Macs;
using Org.BouncyCastle.Crypto.Parameters;
using Vtpm.Client;
using Vtpm.Engine;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>
/// A platform that was approved and is not any more, run by an attacker who has a copy of the image from then, the machine's TPM and a program of
/// their own, which follows nobody's rules: here by the layout alone, without the manager.
/// </summary>
public sealed class RevokedPlatformTests : IDisposable
{
    private const int Sector = 4096;

    private static readonly TpmDigest Another = TpmDigest.Of("another platform"u8);

    private readonly RollbackRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void GroupUpdate_ToAnotherPlatform_LeavesNothingThatOpensAnOlderCopyOnTheOldOne()
    {
        _rig.Save(1);
        byte[] copy = _rig.Copy();
        Assert.True(Opens(copy));   // the attack works, as long as the platform is approved
        Assert.Equal(TpmResult.Success, _rig.Approve(Sequence, Another));
        Assert.False(Opens(copy));
        Assert.False(Unseals(_rig.Copy()));
        Assert.DoesNotContain("can still be opened", _rig.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void GroupUpdate_OfTheSamePlatforms_LeavesBackupsOpen()
    {
        byte[] copy = _rig.Copy();
        Assert.Equal(TpmResult.Success, _rig.Approve(Sequence, _rig.PresentPlatform()));
        Assert.True(Opens(copy));
        string refusal = _rig.Refusal(copy);
        _rig.StartWith(copy, options => options with { AcceptRestored = refusal[(refusal.LastIndexOf(' ') + 1)..] });
    }

    [Fact]
    public void ManagerRotate_LeavesNothingThatOpensAnOlderCopy()
    {
        byte[] copy = _rig.Copy();
        Assert.Equal(TpmResult.Success, _rig.Rig.Send(ManagerLink.ToAdministrator(), TpmTag.VtpmReq2, (uint)VtpmManagerOrdinal.ManagerRotate));
        Assert.False(Opens(copy));
        Assert.True(Opens(_rig.Copy()));
        Assert.Contains("holds none of the masks", _rig.Refusal(copy, options => options with { AcceptRestored = "5@5" }), StringComparison.Ordinal);
    }

    [Fact]
    public void GroupUpdate_WhileTheAreaDoesNotTakeAnotherMask_IsDoneAndMendedByTheNextStart()
    {
        byte[] copy = _rig.Copy();
        TpmDigest present = _rig.PresentPlatform();
        _rig.Intercept = ordinal => ordinal == TpmOrdinal.NvWriteValueAuth ? RollbackRig.Answer(TpmResult.AreaLocked) : null;
        Assert.Equal(TpmResult.Success, _rig.Approve(Sequence, Another));
        Assert.Contains("older copies of the image can still be opened as before", _rig.Log, StringComparison.Ordinal);
        Assert.True(Opens(copy));

        _rig.Intercept = null;
        Assert.Equal(TpmResult.Success, _rig.Approve(Sequence + 1, present));
        Assert.True(Opens(copy));   // the platforms are those that the mask was made for
        Assert.Equal(TpmResult.Success, _rig.Approve(Sequence + 2, Another));
        Assert.False(Opens(copy));
    }

    [Fact]
    public void Start_AfterAGroupUpdateWithoutAnotherMask_ReplacesIt()
    {
        byte[] copy = _rig.Copy();
        _rig.Intercept = ordinal => ordinal == TpmOrdinal.NvWriteValueAuth ? RollbackRig.Answer(TpmResult.AreaLocked) : null;
        Assert.Equal(TpmResult.Success, _rig.Approve(Sequence, _rig.PresentPlatform(), Another));
        _rig.Restart();
        Assert.True(Opens(copy));
        _rig.Intercept = null;
        _rig.Restart();
        Assert.Contains("is replaced now", _rig.Log, StringComparison.Ordinal);
        Assert.False(Opens(copy));
        Assert.True(Opens(_rig.Copy()));
    }

    /// <summary>Later than provisioning, which takes the time.</summary>
    private static ulong Sequence => 1UL << 40;

    private bool Unseals(byte[] disk) => SealedRoots(disk).Count > 0;

    /// <summary>Whether a root of the disk verifies under what its seals give, with whatever the NV area holds laid over it.</summary>
    private bool Opens(byte[] disk)
    {
        foreach ((int root, byte[] secret) in SealedRoots(disk))
        {
            Assert.Equal("Root"u8.ToArray(), secret[..4]);
            uint slot = BinaryPrimitives.ReadUInt32BigEndian(secret.AsSpan(20));
            foreach (byte[] mask in Masks(slot, secret[24..44]))
            {
                byte[] key = [.. secret[68..84].Zip(mask, (k, m) => (byte)(k ^ m))];
                if (Cmac(key, disk.AsSpan(((2 + root) * Sector) + 32, Sector - 32)).AsSpan().SequenceEqual(disk.AsSpan((2 + root) * Sector, 16)))
                    return true;
            }
        }

        return false;
    }

    /// <summary>Every 16 bytes of the area, wherever they begin; and no mask at all.</summary>
    private List<byte[]> Masks(uint slot, byte[] auth)
    {
        using var tpm = new TpmClient(_rig.ConnectToHardware());
        using var secret = new TpmSecret(auth);
        using TpmSession session = tpm.Oiap(secret);
        byte[] area = tpm.NvReadValueAuth(slot, 0, 48, session);
        return [new byte[16], .. Enumerable.Range(0, area.Length - 15).Select(start => area[start..(start + 16)])];
    }

    /// <summary>What the TPM unseals of the two seal lists, in the PCRs as they are.</summary>
    private List<(int Root, byte[] Secret)> SealedRoots(byte[] disk)
    {
        var found = new List<(int, byte[])>();
        for (int root = 0; root < 2; root++)
        {
            byte[] list = disk[(root * Sector)..((root + 1) * Sector)];
            int count = (int)BinaryPrimitives.ReadUInt32BigEndian(list.AsSpan(16));
            for (int i = 0; i < count; i++)
                if (Unseal(list.AsMemory(24 + (300 * i), 300)) is { } secret) found.Add((root, secret));
        }

        return found;
    }

    private byte[]? Unseal(ReadOnlyMemory<byte> entry)
    {
        var selection = new TpmPcrSelection { PcrSelect = entry[..3] };
        var info = new TpmPcrInfoLong
        {
            LocalityAtCreation = TpmLocalitySelection.Zero,
            LocalityAtRelease = TpmLocalitySelection.Zero,
            CreationPcrSelection = selection,
            ReleasePcrSelection = selection,
            DigestAtCreation = new(entry.Span.Slice(4, 20)),
            DigestAtRelease = new(entry.Span.Slice(24, 20)),
        };
        using var tpm = new TpmClient(_rig.ConnectToHardware());
        using TpmSecret none = TpmSecret.WellKnown();
        using TpmSession srk = tpm.Oiap(none);
        using TpmSession data = tpm.Oiap(none);
        try
        {
            return tpm.Unseal(TpmKeyHandle.Srk, srk, data, new TpmStoredData { Ver = TpmStoredData.Tag12(0), SealInfo = WireFormat.ToBytes(info), EncData = entry[44..] });
        }
        catch (TpmCommandException e) when (e.Result == TpmResult.WrongPcrVal)
        {
            return null;
        }
    }

    private static byte[] Cmac(byte[] key, ReadOnlySpan<byte> message)
    {
        var mac = new CMac(new AesEngine());
        mac.Init(new KeyParameter(key));
        byte[] bytes = message.ToArray();
        mac.BlockUpdate(bytes, 0, bytes.Length);
        byte[] result = new byte[16];
        mac.DoFinal(result, 0);
        return result;
    }
}

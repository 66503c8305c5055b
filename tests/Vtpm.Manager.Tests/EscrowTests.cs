using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Encodings;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>A site that loses its board, or the only approved configuration of group 0, and keeps its vTPMs' keys.</summary>
public sealed class EscrowTests : IDisposable
{
    private readonly RollbackRig _rig = new(options => options with { FirstIsAdmin = false });

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void BoardLost_TheImageOpensOnAnotherAndBecomesItsOwn()
    {
        _rig.Save(1);
        using ManagerRecoveryKey key = Key();
        _rig.Save(2);   // it stays valid
        byte[] disk = _rig.Copy();
        using var board = new RollbackRig(provision: false);
        File.Copy(_rig.Rig.KeyPath, board.Rig.KeyPath);
        Assert.Contains("does not open", board.Refusal(disk), StringComparison.Ordinal);   // the same PCRs are not the same TPM
        ChangePlatform(board);
        disk.CopyTo(board.Rig.Image, 0);
        Assert.Throws<ManagerException>(() => board.Rig.Restart());

        StartWith(board, key);
        Assert.Contains("IT WAS OPENED BY THE RECOVERY KEY", board.Log, StringComparison.Ordinal);
        Assert.Contains("NOTHING TELLS WHETHER THE IMAGE", board.Log, StringComparison.Ordinal);
        Assert.Equal(2, board.Load());
        board.Save(3);
        byte[] older = board.Copy();
        Assert.True(board.Image.Groups[0].IsRecovered);
        foreach (VtpmManagerOrdinal rotate in (VtpmManagerOrdinal[])[VtpmManagerOrdinal.ManagerRotate, VtpmManagerOrdinal.GroupRotate])
            Assert.Equal(TpmResult.Fail, Rotate(board, rotate));   // the recovery key would have none of it

        // Not approved yet, so the key is needed again; the counter is this board's from now on.
        Assert.Throws<ManagerException>(() => board.Rig.Restart());
        StartWith(board, key);
        Assert.Equal(3, board.Load());
        Assert.Equal(TpmResult.Success, board.Approve(Next(board), board.PresentPlatform()));
        Assert.False(board.Image.Groups[0].IsRecovered);
        board.Rig.Restart();
        Assert.Equal(3, board.Load());
        Assert.True(board.Image is { CounterIndex: not 0, IsMasked: true });
        Assert.Contains("older copies of the image are refused", board.Rig.Log[^1], StringComparison.Ordinal);

        older.CopyTo(board.Rig.Image, 0);
        Assert.Contains("an older image was put back", Refusal(board, key), StringComparison.Ordinal);
        Assert.Equal(older, board.Rig.Image);
    }

    [Fact]
    public void ConfigurationLost_OnTheSameBoard_TheCounterCountsOnAndTheKeyOpensNoOlderImage()
    {
        _rig.Save(1);
        using ManagerRecoveryKey key = Key();
        byte[] older = _rig.Copy();
        _rig.Restart();
        _rig.Save(2);
        (uint index, uint slot, byte[] newest) = (_rig.Image.CounterIndex, _rig.Image.NvramSlot, _rig.Copy());
        ChangePlatform(_rig);
        Assert.Throws<ManagerException>(() => _rig.Rig.Restart());

        older.CopyTo(_rig.Rig.Image, 0);
        Assert.Contains("an older image was put back", Refusal(_rig, key), StringComparison.Ordinal);
        Assert.Equal(older, _rig.Rig.Image);
        newest.CopyTo(_rig.Rig.Image, 0);
        StartWith(_rig, key);
        Assert.DoesNotContain("NOTHING TELLS WHETHER THE IMAGE", _rig.Log, StringComparison.Ordinal);
        Assert.Equal(2, _rig.Load());
        Assert.Equal((index, slot, true), (_rig.Image.CounterIndex, _rig.Image.NvramSlot, _rig.Image.IsMasked));
        Assert.Equal(TpmResult.Success, _rig.Approve(Next(_rig), _rig.PresentPlatform()));
        _rig.Rig.Restart();
        Assert.Equal(2, _rig.Load());
        StartWith(_rig, key);
        Assert.Contains("the image opens without the recovery key", _rig.Log, StringComparison.Ordinal);
        Assert.False(_rig.Image.Groups[0].IsRecovered);
    }

    [Theory]
    [InlineData(VtpmManagerOrdinal.ManagerRotate)]
    [InlineData(VtpmManagerOrdinal.GroupRotate)]
    public void Rotation_EndsWhatWasGivenOutBefore(VtpmManagerOrdinal rotate)
    {
        _rig.Save(1);
        using ManagerRecoveryKey before = Key();
        Assert.Equal(TpmResult.Success, Rotate(_rig, rotate));
        using ManagerRecoveryKey after = Key();
        ChangePlatform(_rig);
        byte[] disk = _rig.Copy();
        Assert.Contains("not by the recovery key either", Refusal(_rig, before), StringComparison.Ordinal);
        Assert.Equal(disk, _rig.Rig.Image);
        StartWith(_rig, after);
        Assert.Equal(1, _rig.Load());
    }

    [Fact]
    public void RecoveryKey_OfABlankOrAnothersImage_MakesNoFreshOne()
    {
        using ManagerRecoveryKey key = Key();
        using var other = new RollbackRig();
        ChangePlatform(other);
        Assert.Throws<ManagerException>(() => StartWith(other, key, fresh: true));
        byte[] blank = new byte[other.Rig.Image.Length];
        blank.CopyTo(other.Rig.Image, 0);
        Assert.Throws<ManagerException>(() => StartWith(other, key, fresh: true));
        Assert.Equal(blank, other.Rig.Image);
    }

    [Fact]
    public void Escrow_IsForAdministratorsAndNeedsAnAuthority()
    {
        const uint ordinal = (uint)VtpmManagerOrdinal.ManagerEscrow;
        ManagerLink guest = ManagerLink.ToVtpm(RollbackRig.Vtpm, VtpmLabel.OnSocket(RollbackRig.Vtpm));
        _rig.Save(1);
        Assert.Equal(TpmResult.AuthFail, _rig.Rig.Send(guest, TpmTag.VtpmReq2, ordinal));
        Assert.Equal(TpmResult.BadParameter, _rig.Rig.Send(ManagerLink.ToAdministrator(), TpmTag.VtpmReq2, ordinal, 0));
        using var unprovisioned = new ManagerRig(HardwareKind.Engine, provision: false);
        Assert.Equal(TpmResult.Fail, unprovisioned.Send(ManagerLink.ToAdministrator(), TpmTag.VtpmReq2, ordinal));
    }

    [Fact]
    public void Open_GivesTheAuthorityWhatAnotherLibraryReads_AndNobodyElse()
    {
        byte[] escrow = Ask();
        using RSA authority = Authority();
        using (ManagerRecoveryKey opened = Escrow.Open(escrow, authority))
        {
            byte[] plain = Decrypt(escrow, authority);
            Assert.Equal(plain, opened.ToBytes());
            Assert.Equal("vTPMesc1"u8, plain.AsSpan(0, 8));
            Assert.Equal(_rig.Image.Uuid.ToByteArray(bigEndian: true), plain[8..24]);
            Assert.Equal(_rig.Image.Groups[0].Uuid.ToByteArray(bigEndian: true), plain[80..96]);
        }

        Assert.NotEqual(escrow, Ask());
        for (int at = 0; at < escrow.Length; at += 15)
        {
            byte[] changed = [.. escrow];
            changed[at] ^= 1;
            Assert.Throws<ApprovalException>(() => Escrow.Open(changed, authority));
        }

        Assert.Throws<ApprovalException>(() => Escrow.Open(escrow.AsSpan(0, 255), authority));
        Assert.Throws<ApprovalException>(() => Escrow.Open([.. escrow, 0], authority));
        Assert.Throws<ApprovalException>(() => Escrow.Open(authority.Encrypt(new byte[148], RSAEncryptionPadding.OaepSHA256), authority));
        using RSA another = RSA.Create(2048);
        Assert.Throws<ApprovalException>(() => Escrow.Open(escrow, another));
    }

    private static void ChangePlatform(RollbackRig rig)
    {
        using var tpm = new TpmClient(rig.ConnectToHardware());
        tpm.Extend(0, TpmDigest.Of("another firmware"u8));
    }

    /// <summary>Not through the rig's own start, by which the machine starts too, and has the PCRs of before.</summary>
    private static void StartWith(RollbackRig rig, ManagerRecoveryKey key, bool fresh = false) =>
        rig.Rig.Restart(options => options with { RecoveryKey = key, CreateFresh = fresh });

    private static string Refusal(RollbackRig rig, ManagerRecoveryKey key) => Assert.Throws<ManagerException>(() => StartWith(rig, key)).Message;

    private static TpmResult Rotate(RollbackRig rig, VtpmManagerOrdinal rotate) => rig.Rig.Send(
        ManagerLink.ToAdministrator(), TpmTag.VtpmReq2, (uint)rotate, rotate == VtpmManagerOrdinal.GroupRotate ? new byte[4] : []);

    private static ulong Next(RollbackRig rig) => rig.Image.Groups[0].ConfigurationSequence + 1;

    /// <summary>RSAES-OAEP with SHA-256, by another library.</summary>
    private static byte[] Decrypt(byte[] escrow, RSA authority)
    {
        RSAParameters key = authority.ExportParameters(includePrivateParameters: true);
        var oaep = new OaepEncoding(new RsaEngine(), new Sha256Digest(), new Sha256Digest(), null);
        oaep.Init(false, new RsaKeyParameters(true, new(1, key.Modulus), new(1, key.D)));
        return oaep.ProcessBlock(escrow, 0, escrow.Length);
    }

    private RSA Authority()
    {
        RSA authority = RSA.Create();
        authority.ImportFromPem(File.ReadAllText(_rig.Rig.KeyPath));
        return authority;
    }

    private byte[] Ask()
    {
        const uint ordinal = (uint)VtpmManagerOrdinal.ManagerEscrow;
        TpmResult result = _rig.Rig.Send(ManagerLink.ToAdministrator(), TpmTag.VtpmReq2, ordinal, [], out byte[] response);
        Assert.Equal(TpmResult.Success, result);
        Assert.Equal(TpmHeader.Size + 256, response.Length);
        return response[TpmHeader.Size..];
    }

    private ManagerRecoveryKey Key()
    {
        using RSA authority = Authority();
        return Escrow.Open(Ask(), authority);
    }
}

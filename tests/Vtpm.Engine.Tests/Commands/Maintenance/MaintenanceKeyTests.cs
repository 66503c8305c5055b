using Vtpm.Engine.Commands.Capability;
using Vtpm.Engine.Commands.Maintenance;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Maintenance;

/// <summary>Whether there is maintenance: the host's word, the manufacturer's key, and the owner's flag.</summary>
public class MaintenanceKeyTests
{
    private static readonly TpmOrdinal[] Ordinals =
    [
        TpmOrdinal.CreateMaintenanceArchive, TpmOrdinal.LoadMaintenanceArchive, TpmOrdinal.KillMaintenanceFeature, TpmOrdinal.LoadManuMaintPub,
        TpmOrdinal.ReadManuMaintPub,
    ];

    private readonly TestTpm _tpm = new(TestTpm.EveryCommand);

    [Fact]
    public void Maintenance_UnlessTheHostSaysSo_BadOrdinal()
    {
        var tpm = new TestTpm();
        Assert.Equal(TpmResult.BadOrdinal, tpm.ResultOf(new LoadManuMaintPub(), new LoadManuMaintPubRequest { PubKey = tpm.ManufacturersKey }));
        Assert.Equal(TpmResult.BadOrdinal, tpm.ResultOf(new ReadManuMaintPub(), default));
        tpm.TakeOwnership();
        Assert.Equal(TpmResult.BadOrdinal, tpm.ResultOf(new KillMaintenanceFeature(), default, tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.Equal(TpmResult.BadOrdinal, tpm.ResultOf(new CreateMaintenanceArchive(), default, tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.Equal(TpmResult.BadOrdinal, tpm.ResultOf(new LoadMaintenanceArchive(), default, tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.All(Ordinals, ordinal => Assert.False(HasOrdinal(tpm, ordinal)));
        Assert.False(tpm.State.Permanent.Flags.AllowMaintenance);
    }

    [Fact]
    public void Maintenance_WhereTheHostSaysSo_IsReportedAndAllowed()
    {
        Assert.All(Ordinals, ordinal => Assert.True(HasOrdinal(_tpm, ordinal)));
        Assert.True(_tpm.State.Permanent.Flags.AllowMaintenance);
    }

    [Fact]
    public void LoadManuMaintPub_Actions1To3_Key_IsStoredAndItsChecksumAnswered()
    {
        var request = new LoadManuMaintPubRequest { AntiReplay = _tpm.NewNonce(), PubKey = _tpm.ManufacturersKey };
        TpmDigest checksum = _tpm.Send(new LoadManuMaintPub(), request).Checksum;
        byte[] pubKey = [.. Convert.FromHexString("00000001" + "0003" + "0001" + "0000000c" + "000008000000000200000000" + "00000100"), .. Modulus()];
        Assert.Equal(pubKey, WireFormat.ToBytes(_tpm.State.Permanent.Data.ManuMaintPub!.Value));
        Assert.Equal(Witness.Sha1(pubKey, request.AntiReplay.ReadOnlySpan.ToArray()), checksum.ReadOnlySpan.ToArray());
    }

    [Fact]
    public void LoadManuMaintPub_Action4_SecondKey_DisabledCmd()
    {
        var request = new LoadManuMaintPubRequest { PubKey = _tpm.ManufacturersKey };
        _tpm.Send(new LoadManuMaintPub(), request);
        Assert.Equal(TpmResult.DisabledCmd, _tpm.ResultOf(new LoadManuMaintPub(), request));
        _tpm.AssertPresence();
        _tpm.Send(new ForceClear(), default);
        _tpm.SetPermanentFlags(flags => flags with { Disable = false, Deactivated = false });
        _tpm.PowerCycle();
        Assert.Equal(TpmResult.DisabledCmd, _tpm.ResultOf(new LoadManuMaintPub(), request));
    }

    [Fact]
    public void LoadManuMaintPub_Action4_KeyOfZeroes_IsTheOnlyOneToo()
    {
        _tpm.Send(new LoadManuMaintPub(), default);
        Assert.Equal(TpmResult.DisabledCmd, _tpm.ResultOf(new LoadManuMaintPub(), new LoadManuMaintPubRequest { PubKey = _tpm.ManufacturersKey }));
    }

    [Fact]
    public void LoadManuMaintPub_KeyThatIsWeakOrCannotEncrypt_IsNotTheFirstOne()
    {
        TpmPubKey key = _tpm.ManufacturersKey;
        foreach (TpmPubKey bad in (TpmPubKey[])
            [
                key with { AlgorithmParms = TestTpm.RsaParms(1024, TpmEncScheme.RsaesOaepSha1Mgf1) },
                key with { AlgorithmParms = TestTpm.RsaParms(2048, TpmEncScheme.RsaesPkcsV15) },
                key with { AlgorithmParms = TestTpm.RsaParms(2048, TpmEncScheme.None, TpmSigScheme.RsaSsaPkcs1V15Sha1) },
                key with { AlgorithmParms = TestTpm.RsaParms(2048, TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.RsaSsaPkcs1V15Der) },
                key with { PubKey = new TpmStorePubKey { Key = new byte[256] } },
                key with { PubKey = new TpmStorePubKey { Key = new byte[128] } },
                key with { PubKey = default },
                key with { AlgorithmParms = key.AlgorithmParms with { AlgorithmId = default } },
            ])
            Assert.Equal(TpmResult.BadKeyProperty, _tpm.ResultOf(new LoadManuMaintPub(), new LoadManuMaintPubRequest { PubKey = bad }));
        _tpm.Send(new LoadManuMaintPub(), new LoadManuMaintPubRequest { PubKey = key });
    }

    [Fact]
    public void ReadManuMaintPub_Actions1And2_Key_IsNotShownButItsChecksum()
    {
        _tpm.LoadManuMaintPub();
        TpmNonce nonce = _tpm.NewNonce();
        TpmDigest checksum = _tpm.Send(new ReadManuMaintPub(), new ReadManuMaintPubRequest { AntiReplay = nonce }).Checksum;
        byte[] pubKey = WireFormat.ToBytes(_tpm.ManufacturersKey);
        Assert.Equal(Witness.Sha1(pubKey, nonce.ReadOnlySpan.ToArray()), checksum.ReadOnlySpan.ToArray());
    }

    [Fact]
    public void ReadManuMaintPub_Action1_NoKeyOrOneOfZeroes_IsAKeyOfZeroes()
    {
        byte[] expected = Witness.Sha1(new byte[16], new byte[20]);
        Assert.Equal(expected, _tpm.Send(new ReadManuMaintPub(), default).Checksum.ReadOnlySpan.ToArray());
        _tpm.Send(new LoadManuMaintPub(), default);
        Assert.Equal(expected, _tpm.Send(new ReadManuMaintPub(), default).Checksum.ReadOnlySpan.ToArray());
    }

    [Fact]
    public void KillMaintenanceFeature_Action1_WrongSecret_AuthFail()
    {
        _tpm.TakeOwnership();
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new KillMaintenanceFeature(), default, _tpm.Oiap(TestTpm.KeyAuth)));
        Assert.True(_tpm.State.Permanent.Flags.AllowMaintenance);
    }

    [Fact]
    public void KillMaintenanceFeature_Action2_Flag_IsOffUntilThereIsAnotherOwner()
    {
        _tpm.TakeOwnership();
        _tpm.Send(new KillMaintenanceFeature(), default, _tpm.Oiap(TestTpm.OwnerAuth));
        _tpm.PowerCycle();
        Assert.False(_tpm.State.Permanent.Flags.AllowMaintenance);
        _tpm.Send(new OwnerClear(), default, _tpm.Oiap(TestTpm.OwnerAuth));
        Assert.True(_tpm.State.Permanent.Flags.AllowMaintenance);
    }

    private static bool HasOrdinal(TestTpm tpm, TpmOrdinal ordinal)
    {
        byte[] subCap = Convert.FromHexString($"{(uint)ordinal:x8}");
        ReadOnlyMemory<byte> answer = tpm.Send(new GetCapability(), new GetCapabilityRequest { CapArea = TpmCapability.Ord, SubCap = subCap }).Resp;
        return Assert.Single(answer.ToArray()) == 1;
    }

    private byte[] Modulus() => _tpm.ManufacturersKey.PubKey.Key.ToArray();
}

using System.Security.Cryptography;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Storage;

public class GetPubKeyTests
{
    private static readonly byte[] Auth = SHA1.HashData("key"u8);
    private static readonly byte[] Elsewhere = [0, 3, 1, 0, 0, .. SHA1.HashData("elsewhere"u8), .. new byte[20]];

    private readonly TestTpm _tpm = new();
    private readonly TpmKey _srk;

    public GetPubKeyTests() => _srk = _tpm.TakeOwnership();

    [Fact]
    public void GetPubKey_Actions1And5_Authorized_IsThePublicPartOfTheKey()
    {
        TpmKey key = _tpm.CreateWrapKey(TestTpm.KeyInfo(TpmKeyUsage.Signing), Auth);
        TpmPubKey pubKey = _tpm.Send(new GetPubKey(), new GetPubKeyRequest { KeyHandle = _tpm.LoadKey2(key) }, _tpm.Oiap(Auth)).PubKey;
        Assert.Equal(WireFormat.ToBytes(key.ToPubKey()), WireFormat.ToBytes(pubKey));
    }

    [Theory]
    [InlineData(TpmAuthDataUsage.Always, TpmResult.AuthFail)]
    [InlineData(TpmAuthDataUsage.Never, TpmResult.Success)]
    [InlineData(TpmAuthDataUsage.PrivUseOnly, TpmResult.Success)]
    public void GetPubKey_Action2_NoSession_DependsOnAuthDataUsage(TpmAuthDataUsage usage, TpmResult expected)
    {
        uint key = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Signing) with { AuthDataUsage = usage }, Auth);
        Assert.Equal(expected, _tpm.ResultOf(new GetPubKey(), new GetPubKeyRequest { KeyHandle = key }));
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new GetPubKey(), new GetPubKeyRequest { KeyHandle = key }, _tpm.Oiap(TestTpm.WellKnown)));
    }

    [Fact]
    public void GetPubKey_Action3_Srk_OnlyWhereTheOwnerAllowsIt()
    {
        var request = new GetPubKeyRequest { KeyHandle = TpmKeyHandle.Srk };
        Assert.Equal(TpmResult.InvalidKeyHandle, _tpm.ResultOf(new GetPubKey(), request, _tpm.Oiap(TestTpm.WellKnown)));
        _tpm.SetPermanentFlags(flags => flags with { ReadSrkPub = true });
        GetPubKeyResponse response = _tpm.Send(new GetPubKey(), request, _tpm.Oiap(TestTpm.WellKnown));
        Assert.Equal(_srk.PubKey.Key.ToArray(), response.PubKey.PubKey.Key.ToArray());
    }

    [Theory]
    [InlineData(TpmKeyFlags.None, TpmResult.WrongPcrVal)]
    [InlineData(TpmKeyFlags.PcrIgnoredOnRead, TpmResult.Success)]
    public void GetPubKey_Action4_OtherRegisters_DependsOnPcrIgnoredOnRead(TpmKeyFlags flags, TpmResult expected)
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing, flags) with { PcrInfo = Elsewhere };
        Assert.Equal(expected, _tpm.ResultOf(new GetPubKey(), new GetPubKeyRequest { KeyHandle = _tpm.NewKey(info, Auth) }, _tpm.Oiap(Auth)));
    }

    [Theory]
    [InlineData(0x02000000u)]
    [InlineData(TpmKeyHandle.EK)]
    [InlineData(TpmKeyHandle.Owner)]
    public void GetPubKey_HandleOfNoKey_InvalidKeyHandle(uint handle) =>
        Assert.Equal(TpmResult.InvalidKeyHandle, _tpm.ResultOf(new GetPubKey(), new GetPubKeyRequest { KeyHandle = handle }, _tpm.Oiap(Auth)));
}

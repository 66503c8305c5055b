using System.Security.Cryptography;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Storage;

public class UnBindTests
{
    private static readonly byte[] Auth = SHA1.HashData("bind"u8);
    private static readonly byte[] Secret = "bound"u8.ToArray();
    private static readonly byte[] Bound = [1, 1, 0, 0, (byte)TpmPayloadType.Bind, .. Secret];

    private readonly TestTpm _tpm = new();

    public UnBindTests() => _tpm.TakeOwnership();

    [Theory]
    [InlineData(TpmKeyUsage.Bind, TpmEncScheme.RsaesOaepSha1Mgf1)]
    [InlineData(TpmKeyUsage.Bind, TpmEncScheme.RsaesPkcsV15)]
    [InlineData(TpmKeyUsage.Legacy, TpmEncScheme.RsaesOaepSha1Mgf1)]
    public void UnBind_Action6_BoundData_RevealsItsPayload(TpmKeyUsage usage, TpmEncScheme scheme)
    {
        uint key = NewKey(usage, scheme, out ReadOnlyMemory<byte> modulus);
        byte[] blob = Encrypt(scheme, modulus, Bound);
        Assert.Equal(Secret, _tpm.Send(new UnBind(), new UnBindRequest { KeyHandle = key, InData = blob }, _tpm.Oiap(Auth)).OutData.ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(117)]
    public void UnBind_Action5_LegacyKeyAndPkcs1_RevealsWhateverItWas(int length)
    {
        uint key = NewKey(TpmKeyUsage.Legacy, TpmEncScheme.RsaesPkcsV15, out ReadOnlyMemory<byte> modulus);
        byte[] data = new byte[length];
        byte[] blob = Witness.EncryptPkcs1(modulus, data);
        Assert.Equal(data, _tpm.Send(new UnBind(), new UnBindRequest { KeyHandle = key, InData = blob }, _tpm.Oiap(Auth)).OutData.ToArray());
    }

    [Fact]
    public void UnBind_EmptyPayload_RevealsNothing()
    {
        uint key = NewKey(TpmKeyUsage.Bind, TpmEncScheme.RsaesOaepSha1Mgf1, out ReadOnlyMemory<byte> modulus);
        byte[] blob = Witness.EncryptOaep(modulus, Bound[..5]);
        Assert.True(_tpm.Send(new UnBind(), new UnBindRequest { KeyHandle = key, InData = blob }, _tpm.Oiap(Auth)).OutData.IsEmpty);
    }

    [Fact]
    public void UnBind_KeyThatNeedsNoAuth_NeedsNoSession()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Bind, keyLength: 1024);
        info.AuthDataUsage = TpmAuthDataUsage.Never;
        TpmKey key = _tpm.CreateWrapKey(info);
        var request = new UnBindRequest { KeyHandle = _tpm.LoadKey2(key), InData = Witness.EncryptOaep(key.PubKey.Key, Bound) };
        Assert.Equal(Secret, _tpm.Send(new UnBind(), request).OutData.ToArray());
    }

    [Fact]
    public void UnBind_Action1_NoData_BadParameter() =>
        Assert.Equal(TpmResult.BadParameter, _tpm.ResultOf(new UnBind(), new UnBindRequest { KeyHandle = TpmKeyHandle.Srk }, _tpm.Oiap(Auth)));

    [Fact]
    public void UnBind_Action2_WrongAuth_AuthFail()
    {
        uint key = NewKey(TpmKeyUsage.Bind, TpmEncScheme.RsaesOaepSha1Mgf1, out ReadOnlyMemory<byte> modulus);
        var request = new UnBindRequest { KeyHandle = key, InData = Witness.EncryptOaep(modulus, Bound) };
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new UnBind(), request, _tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new UnBind(), request));
    }

    [Fact]
    public void UnBind_Action3_StorageKey_InvalidKeyUsage() =>
        Assert.Equal(
            TpmResult.InvalidKeyUsage,
            _tpm.ResultOf(new UnBind(), new UnBindRequest { KeyHandle = TpmKeyHandle.Srk, InData = new byte[256] }, _tpm.Oiap(TestTpm.WellKnown)));

    [Theory]
    [InlineData(TpmEncScheme.RsaesOaepSha1Mgf1, 128)]
    [InlineData(TpmEncScheme.RsaesOaepSha1Mgf1, 127)]
    [InlineData(TpmEncScheme.RsaesOaepSha1Mgf1, 129)]
    [InlineData(TpmEncScheme.RsaesOaepSha1Mgf1, 3000)]
    [InlineData(TpmEncScheme.RsaesPkcsV15, 128)]
    [InlineData(TpmEncScheme.RsaesPkcsV15, 1)]
    public void UnBind_Action4_NoCiphertextOfTheKey_DecryptError(TpmEncScheme scheme, int length)
    {
        uint key = NewKey(TpmKeyUsage.Bind, scheme, out _);
        byte[] data = new byte[length];
        data[0] = 1;
        Assert.Equal(TpmResult.DecryptError, ResultOf(key, data));
    }

    [Theory]
    [InlineData("01010000")]
    [InlineData("010100000141")]
    [InlineData("020000000241")]
    [InlineData("")]
    public void UnBind_Action6_NoBoundData_DecryptError(string plain)
    {
        uint key = NewKey(TpmKeyUsage.Bind, TpmEncScheme.RsaesOaepSha1Mgf1, out ReadOnlyMemory<byte> modulus);
        Assert.Equal(TpmResult.DecryptError, ResultOf(key, Witness.EncryptOaep(modulus, Convert.FromHexString(plain))));
    }

    private static byte[] Encrypt(TpmEncScheme scheme, ReadOnlyMemory<byte> modulus, byte[] data) =>
        scheme == TpmEncScheme.RsaesOaepSha1Mgf1 ? Witness.EncryptOaep(modulus, data) : Witness.EncryptPkcs1(modulus, data);

    private uint NewKey(TpmKeyUsage usage, TpmEncScheme scheme, out ReadOnlyMemory<byte> modulus)
    {
        TpmKey info = TestTpm.KeyInfo(usage, keyLength: 1024);
        info.AlgorithmParms.EncScheme = scheme;
        TpmKey key = _tpm.CreateWrapKey(info, Auth);
        modulus = key.PubKey.Key;
        return _tpm.LoadKey2(key);
    }

    private TpmResult ResultOf(uint key, byte[] data) => _tpm.ResultOf(new UnBind(), new UnBindRequest { KeyHandle = key, InData = data }, _tpm.Oiap(Auth));
}

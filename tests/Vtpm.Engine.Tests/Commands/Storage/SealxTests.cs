using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Storage;

public class SealxTests
{
    private static readonly byte[] DataAuth = SHA1.HashData("data"u8);
    private static readonly byte[] Secret = [.. Enumerable.Range(0, 50).Select(i => (byte)i)];

    private readonly TestTpm _tpm = new();
    private readonly TpmKey _srk;

    public SealxTests() => _srk = _tpm.TakeOwnership();

    [Theory]
    [InlineData(TpmAdipEncScheme.Xor, 0x0005)]
    [InlineData(TpmAdipEncScheme.Aes128Ctr, 0x0600)]
    public void Sealx_Actions5And11aTo11bAnd13To15And17And20To21_EncryptedData_BlobHoldsItPlainAndNamesTheScheme(TpmAdipEncScheme scheme, int entityType)
    {
        TpmStoredData blob = Sealx(scheme);
        Assert.Equal(TpmStoredData.Tag12((ushort)entityType), blob.Ver);
        byte[] head = [0, 0x16, (byte)(entityType >> 8), (byte)entityType, 0, 0, 0, 0];
        byte[] expected =
        [
            (byte)TpmPayloadType.Seal, .. DataAuth, .. _tpm.State.Permanent.Data.TpmProof.Span, .. SHA1.HashData(head), 0, 0, 0, (byte)Secret.Length, .. Secret,
        ];
        Assert.Equal(expected, Witness.DecryptOaep(_srk.PubKey.Key, blob.EncData));
    }

    [Theory]
    [InlineData(TpmAdipEncScheme.Xor)]
    [InlineData(TpmAdipEncScheme.Aes128Ctr)]
    public void Unseal_Actions9cTo9e_SealxData_IsRevealedEncryptedByTheFirstSession(TpmAdipEncScheme scheme)
    {
        TpmStoredData blob = Sealx(scheme);
        TestAuth osap = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: true);
        byte[] mask = Mask(osap, scheme, Secret.Length);
        UnsealResponse response = _tpm.Send(new Unseal(), new UnsealRequest { ParentHandle = TpmKeyHandle.Srk, InData = blob }, osap, _tpm.Oiap(DataAuth));
        Assert.Equal(Secret, Witness.Xor(response.Secret.Span, mask));
        Assert.False(osap.GoesOn);
    }

    [Fact]
    public void Unseal_Action9a_SealxDataAndOneSession_AuthFail()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Storage);
        info.AuthDataUsage = TpmAuthDataUsage.Never;
        uint key = _tpm.NewKey(info);
        TpmStoredData blob = Sealx(TpmAdipEncScheme.Xor, key);
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new Unseal(), new UnsealRequest { ParentHandle = key, InData = blob }, _tpm.Oiap(DataAuth)));
    }

    [Fact]
    public void Unseal_Action9b_SealxDataAndOiapSession_BadMode()
    {
        var request = new UnsealRequest { ParentHandle = TpmKeyHandle.Srk, InData = Sealx(TpmAdipEncScheme.Xor) };
        Assert.Equal(TpmResult.BadMode, _tpm.ResultOf(new Unseal(), request, _tpm.Oiap(TestTpm.WellKnown), _tpm.Oiap(DataAuth)));
    }

    [Fact]
    public void Sealx_Action2_NoData_BadParameter() => Assert.Equal(TpmResult.BadParameter, ResultOf(default, default));

    [Fact]
    public void Sealx_Action1_WrongKeyAuth_AuthFail()
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.Srk, 0, DataAuth);
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new Sealx(), new SealRequest { KeyHandle = TpmKeyHandle.Srk, InData = Secret }, osap));
    }

    [Fact]
    public void Sealx_Action3_SigningKey_InvalidKeyUsage() =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(default, Secret, _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Signing))));

    [Fact]
    public void Sealx_Action4_MigratableKey_InvalidKeyUsage() =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(default, Secret, _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage, TpmKeyFlags.Migratable))));

    [Fact]
    public void Sealx_Action12_SecretOfZeroes_IsTaken()
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown);
        var request = new SealRequest { KeyHandle = TpmKeyHandle.Srk, EncAuth = TestTpm.EncryptAuth(osap, new byte[20]), InData = Secret };
        TpmStoredData blob = _tpm.Send(new Sealx(), request, osap).SealedData;
        Assert.Equal(new byte[20], Witness.DecryptOaep(_srk.PubKey.Key, blob.EncData)[1..21]);
    }

    [Fact]
    public void Sealx_Action16_AsMuchAsFits_SucceedsAndOneMoreIsBadDataSize()
    {
        const int Most = 256 - 42 - 65;
        Assert.Equal(TpmResult.Success, ResultOf(default, new byte[Most]));
        Assert.Equal(TpmResult.BadDataSize, ResultOf(default, new byte[Most + 1]));
    }

    [Fact]
    public void Sealx_Action18_SessionToGoOn_Ends()
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: true);
        _tpm.Send(new Sealx(), new SealRequest { KeyHandle = TpmKeyHandle.Srk, EncAuth = TestTpm.EncryptAuth(osap, DataAuth), InData = Secret }, osap);
        Assert.False(osap.GoesOn);
    }

    [Fact]
    public void Sealx_Action9_PcrInfoOfVersion11_BadIndex() =>
        Assert.Equal(TpmResult.BadIndex, ResultOf((byte[])[0, 3, 1, 0, 0, .. new byte[40]], Secret));

    [Fact]
    public void Sealx_Actions8And9_PcrInfoLong_IsStamped()
    {
        TpmStoredData blob = Sealx(TpmAdipEncScheme.Xor, pcrInfo: [0, 6, 0x1F, 0x1F, 0, 3, 0, 0, 0, 0, 3, 0, 0, 0, .. new byte[40]]);
        Assert.Equal([0, 6, 0x01, 0x1F, 0, 3, 0, 0, 0, 0, 3, 0, 0, 0, .. new byte[40]], blob.SealInfo.ToArray());
    }

    [Fact]
    public void Sealx_Action11_OiapSession_BadMode()
    {
        var request = new SealRequest { KeyHandle = TpmKeyHandle.Srk, InData = Secret };
        Assert.Equal(TpmResult.BadMode, _tpm.ResultOf(new Sealx(), request, _tpm.Oiap(TestTpm.WellKnown)));
    }

    private TpmResult ResultOf(ReadOnlyMemory<byte> pcrInfo, ReadOnlyMemory<byte> data, uint key = TpmKeyHandle.Srk)
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.KeyHandle, key, TestTpm.WellKnown);
        return _tpm.ResultOf(new Sealx(), new SealRequest { KeyHandle = key, PcrInfo = pcrInfo, InData = data }, osap);
    }

    private TpmStoredData Sealx(TpmAdipEncScheme scheme, uint key = TpmKeyHandle.Srk, byte[]? pcrInfo = null)
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.KeyHandle, key, TestTpm.WellKnown, scheme);
        TpmAuthData encAuth = scheme == TpmAdipEncScheme.Xor
            ? TestTpm.EncryptAuth(osap, DataAuth)
            : new TpmAuthData(Witness.Xor(DataAuth, AesCtr(osap.Key[..16], osap.NonceEven.ReadOnlySpan[..16], 20)));
        var request = new SealRequest
        {
            KeyHandle = key, EncAuth = encAuth, PcrInfo = pcrInfo, InData = Witness.Xor(Secret, Mask(osap, scheme, Secret.Length)),
        };
        return _tpm.Send(new Sealx(), request, osap).SealedData;
    }

    /// <summary>What the session's secret and nonces make of a parameter: Part 3 §10.7 actions 13 and 14.</summary>
    private static byte[] Mask(TestAuth osap, TpmAdipEncScheme scheme, int length)
    {
        byte[] nonces = [.. osap.NonceEven.ReadOnlySpan, .. osap.NonceOdd.ReadOnlySpan];
        return scheme == TpmAdipEncScheme.Xor
            ? Witness.Mgf1([.. nonces, .. "XOR"u8, .. osap.Key], length)
            : AesCtr(osap.Key[..16], SHA1.HashData(nonces).AsSpan(0, 16), length);
    }

    /// <summary>BouncyCastle's counter is as wide as the block; no counter of these tests wraps.</summary>
    private static byte[] AesCtr(byte[] key, ReadOnlySpan<byte> counter, int length)
    {
        var cipher = new Org.BouncyCastle.Crypto.Modes.SicBlockCipher(new AesEngine());
        cipher.Init(true, new ParametersWithIV(new KeyParameter(key), counter.ToArray()));
        byte[] stream = new byte[(length + 15) / 16 * 16];
        for (int i = 0; i < stream.Length; i += 16) cipher.ProcessBlock(new byte[16], 0, stream, i);
        return stream[..length];
    }
}

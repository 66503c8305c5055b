using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <content>Sessions, and authorization data on its way in.</content>
public sealed partial class TestTpm
{
    private ushort _nonces;

    /// <summary>The secret that tools call well-known: 20 zero bytes.</summary>
    public static byte[] WellKnown => new byte[20];

    /// <summary>The client's next nonce. It takes nothing from the TPM's random numbers: its answers depend on the commands alone.</summary>
    public TpmNonce NewNonce() => Nonce(_nonces++);

    /// <summary>The client's nonce of that number.</summary>
    public static TpmNonce Nonce(ushort number) => new(SHA1.HashData([(byte)'n', (byte)(number >> 8), (byte)number]));

    /// <summary>Opens an OIAP session to use with an entity of this secret.</summary>
    public TestAuth Oiap(byte[] secret, bool goesOn = false)
    {
        OiapResponse response = Send(new Oiap(), default);
        return new TestAuth { Handle = response.AuthHandle, NonceEven = response.NonceEven, NonceOdd = NewNonce(), Key = secret, Continue = goesOn };
    }

    /// <summary>Opens an OSAP session for an entity of this secret.</summary>
    public TestAuth Osap(TpmEntityType type, uint value, byte[] secret, TpmAdipEncScheme scheme = TpmAdipEncScheme.Xor, bool goesOn = false)
    {
        TpmNonce nonceOddOsap = NewNonce();
        OsapResponse response = Send(new Osap(), new OsapRequest { EncScheme = scheme, EntityType = type, EntityValue = value, NonceOddOsap = nonceOddOsap });
        byte[] key = HMACSHA1.HashData(secret, (byte[])[.. response.NonceEvenOsap.ReadOnlySpan, .. nonceOddOsap.ReadOnlySpan]);
        return new TestAuth { Handle = response.AuthHandle, NonceEven = response.NonceEven, NonceOdd = NewNonce(), Key = key, Continue = goesOn };
    }

    /// <summary>Encrypts new authorization data for an OSAP session by XOR; the second value of a command goes with the odd nonce.</summary>
    public static TpmAuthData EncryptAuth(TestAuth osap, byte[] secret, bool odd = false)
    {
        byte[] pad = SHA1.HashData((byte[])[.. osap.Key, .. odd ? osap.NonceOdd.ReadOnlySpan : osap.NonceEven.ReadOnlySpan]);
        TpmAuthData encAuth = default;
        for (int i = 0; i < TpmAuthData.Size; i++) encAuth[i] = (byte)(secret[i] ^ pad[i]);
        return encAuth;
    }

    /// <summary>Encrypts new authorization data for an OSAP session that was opened with the AES scheme.</summary>
    public static TpmAuthData EncryptAuthAes(TestAuth osap, byte[] secret)
    {
        byte[] counter = osap.NonceEven.ReadOnlySpan[..16].ToArray();
        byte[] next = [.. counter];
        BinaryPrimitives.WriteUInt32BigEndian(next.AsSpan(12), BinaryPrimitives.ReadUInt32BigEndian(next.AsSpan(12)) + 1);
        using var aes = Aes.Create();
        aes.SetKey(osap.Key.AsSpan(0, 16));
        byte[] stream = aes.EncryptEcb((byte[])[.. counter, .. next], PaddingMode.None);
        return new TpmAuthData([.. secret.Select((value, i) => (byte)(value ^ stream[i]))]);
    }
}

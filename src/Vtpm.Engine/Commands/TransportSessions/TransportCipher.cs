using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.TransportSessions;

/// <summary>
/// How a transport session encrypts, and decrypts, which is the same: MGF1, or AES-128 in counter or output feedback mode (Part 3 §24.2 actions 4
/// and 17).
/// </summary>
internal static class TransportCipher
{
    public static ReadOnlySpan<byte> In => "in"u8;

    public static ReadOnlySpan<byte> Out => "out"u8;

    /// <summary>Part 3 §24.1 action 3.</summary>
    public static TpmResult Check(in TpmTransportPublic transPublic, bool isFips) => transPublic.AlgId switch
    {
        TpmAlgorithmId.Mgf1 => isFips ? InappropriateEnc : Success,
        TpmAlgorithmId.Aes128 => transPublic.EncScheme is TpmEncScheme.SymCtr or TpmEncScheme.SymOfb ? Success : InappropriateEnc,
        _ => BadKeyProperty,
    };

    /// <summary>Encrypts or decrypts the parameters of a wrapped command or of its response, in place.</summary>
    public static void Crypt(
        CommandContext tpm, TransportSession transport, in TpmNonce nonceEven, in TpmNonce nonceOdd, ReadOnlySpan<byte> direction, Span<byte> data)
    {
        if (!transport.Encrypts || data.IsEmpty) return;
        ReadOnlySpan<byte> authData = transport.Auth.SharedSecret!.Span;
        bool isMgf1 = transport.Public.AlgId == TpmAlgorithmId.Mgf1;
        Span<byte> seed = tpm.Scratch.Allocate(2 * TpmNonce.Size + direction.Length + (isMgf1 ? authData.Length : 0));
        nonceEven.ReadOnlySpan.CopyTo(seed);
        nonceOdd.ReadOnlySpan.CopyTo(seed[TpmNonce.Size..]);
        direction.CopyTo(seed[(2 * TpmNonce.Size)..]);
        if (isMgf1)
        {
            authData.CopyTo(seed[^authData.Length..]);
            SymmetricCipher.Mgf1Xor(seed, data);
            return;
        }

        Span<byte> first = stackalloc byte[SymmetricCipher.BlockSize];
        first.Clear();
        SymmetricCipher.Mgf1Xor(seed, first);
        ReadOnlySpan<byte> key = authData[..SymmetricCipher.KeySize];
        if (transport.Public.EncScheme == TpmEncScheme.SymCtr) SymmetricCipher.AesCtr(key, first, data);
        else SymmetricCipher.AesOfb(key, first, data);
    }
}

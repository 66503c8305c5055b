using Vtpm.Wire;

namespace Vtpm.Engine;

/// <content>TPM_CONTEXT_BLOB (Part 2 §18): keys and sessions while they are outside.</content>
public sealed partial class CommandContext
{
    /// <summary>
    /// Part 3 §21.2 actions 7, 8, 11 and 12: encrypts <paramref name="internalData"/> with the nonce that it is valid for, by AES in counter mode, and
    /// completes the blob with its integrity digest. additionalData begins with the first counter.
    /// </summary>
    internal ReadOnlyMemory<byte> SealContext<T>(TpmContextBlob blob, in TpmNonce contextNonce, T internalData, ReadOnlySpan<byte> additionalData = default)
        where T : struct, IWireStructure<T>
    {
        byte[] additional = new byte[SymmetricCipher.BlockSize + additionalData.Length];
        Platform.Random.Fill(additional.AsSpan(0, SymmetricCipher.BlockSize));
        additionalData.CopyTo(additional.AsSpan(SymmetricCipher.BlockSize));
        blob.AdditionalData = additional;
        var sensitive = new TpmContextSensitive { ContextNonce = contextNonce, InternalData = WireFormat.ToBytes(internalData, Scratch) };
        byte[] plain = WireFormat.ToBytes(sensitive, Scratch);
        blob.SensitiveData = plain;
        blob.IntegrityDigest = ProofHmac(WireFormat.ToBytes(blob, Scratch));
        byte[] cipher = CopyToScratch(plain);
        SymmetricCipher.AesCtr(PermanentData.ContextKey.Span, additional.AsSpan(0, SymmetricCipher.BlockSize), cipher);
        blob.SensitiveData = cipher;
        return WireFormat.ToBytes(blob);
    }

    /// <summary>
    /// Part 3 §21.3 actions 1, 3, 4 and 6: checks and decrypts a blob of <see cref="SealContext{T}"/>. The integrity comes first: of bytes that are not
    /// ours nothing is believed.
    /// </summary>
    /// <returns>TPM_BADCONTEXT for anything that this TPM, under this owner, has not made.</returns>
    internal TpmResult OpenContext(ReadOnlyMemory<byte> contextBlob, out TpmContextBlob blob, out TpmContextSensitive sensitive)
    {
        sensitive = default;
        if (WireFormat.Read(contextBlob.Span, out blob) != TpmResult.Success) return TpmResult.BadContext;
        if (blob.AdditionalData.Length < SymmetricCipher.BlockSize) return TpmResult.BadContext;
        byte[] plain = Scratch.Allocate(blob.SensitiveData.Length);
        blob.SensitiveData.CopyTo(plain);
        SymmetricCipher.AesCtr(PermanentData.ContextKey.Span, blob.AdditionalData.Span[..SymmetricCipher.BlockSize], plain);
        TpmContextBlob covered = blob;
        covered.IntegrityDigest = default;
        covered.SensitiveData = plain;
        if (!blob.IntegrityDigest.FixedTimeEquals(ProofHmac(WireFormat.ToBytes(covered, Scratch)))) return TpmResult.BadContext;
        return WireFormat.Read(plain, out sensitive, Scratch) == TpmResult.Success ? TpmResult.Success : TpmResult.BadContext;
    }
}

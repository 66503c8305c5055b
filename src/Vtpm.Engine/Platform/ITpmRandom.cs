namespace Vtpm.Engine;

/// <summary>The source of the TPM's random numbers (Part 1 §4.7): every nonce, key and padding byte comes from here.</summary>
public interface ITpmRandom
{
    void Fill(Span<byte> destination);

    /// <summary>TPM_StirRandom: folds caller's bytes into the generator, never lessening what it has.</summary>
    void Stir(ReadOnlySpan<byte> entropy);
}

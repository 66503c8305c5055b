namespace Vtpm.Wire;

/// <summary><c>DAA_SIZE_*</c>, Part 2 §22.1, in bytes, and the powers of §22.2, in bits.</summary>
public static class TpmDaaSize
{
    public const int R0 = 43;
    public const int R1 = 43;
    public const int R2 = 128;
    public const int R3 = 168;
    public const int R4 = 219;
    public const int NT = 20;
    public const int V0 = 128;
    public const int V1 = 192;
    public const int NE = 256;
    public const int W = 256;
    public const int IssuerModulus = 256;

    /// <summary>DAA_power0.</summary>
    public const int Power0 = 104;

    /// <summary>DAA_power1.</summary>
    public const int Power1 = 1024;
}

using System.Security.Cryptography;
using System.Text;
using Vtpm.Client;

namespace Vtpm.Manager;

/// <summary>The public half of an authority's key: the modulus that GROUP_NEW takes (RSA-2048, e = 65537).</summary>
public static class AuthorityModulus
{
    public const int Size = Rsa2048.Size;

    /// <summary>Reads a file: the modulus in 256 bytes, as Xen's tools have it, or a public key in PEM form.</summary>
    /// <param name="file">The file.</param>
    /// <param name="whose">For the message: identity and endorsement keys have the same form.</param>
    /// <exception cref="ApprovalException">It is neither.</exception>
    public static byte[] Parse(ReadOnlySpan<byte> file, string whose = "an authority's")
    {
        if (Rsa2048.IsModulus(file)) return file.ToArray();
        string text = Encoding.ASCII.GetString(file);
        if (text.Contains("PRIVATE KEY", StringComparison.Ordinal))
            throw new ApprovalException(
                "that is a private key, which should be nowhere near: give its modulus (of an authority's key: 'vtpm approve modulus')");
        if (!text.Contains("-----BEGIN", StringComparison.Ordinal))
            throw new ApprovalException(
                $"{whose} modulus has {Size} bytes, the first at least 0x80 and the last odd; this has {file.Length} and is none, nor a PEM file");
        using RSA key = RSA.Create();
        try
        {
            key.ImportFromPem(text);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            throw new ApprovalException("the PEM file has no RSA public key; 'openssl rsa -pubout' writes one", e);
        }

        return Of(key);
    }

    /// <summary>The modulus of a key.</summary>
    /// <exception cref="ApprovalException">It is not RSA-2048 with exponent 65537.</exception>
    public static byte[] Of(RSA key)
    {
        ArgumentNullException.ThrowIfNull(key);
        RSAParameters parameters = key.ExportParameters(includePrivateParameters: false);
        return parameters is { Modulus.Length: Size, Exponent: [1, 0, 1] }
            ? parameters.Modulus
            : throw new ApprovalException("an authority's key is RSA-2048 with exponent 65537, and this one is another");
    }
}

using System.Security.Cryptography;
using System.Text;

namespace Vtpm.Client.Attestation;

/// <summary>An RSA-2048 public key in a file, in the forms that there are: the 256 bytes of its modulus (<c>aik.pub</c>), or PEM.</summary>
public static class PublicKeyFile
{
    /// <summary>The modulus.</summary>
    /// <exception cref="DeepQuoteFormatException">It is no such key.</exception>
    public static byte[] Parse(ReadOnlySpan<byte> file)
    {
        if (Rsa2048.IsModulus(file)) return file.ToArray();
        try
        {
            using RSA key = RSA.Create();
            key.ImportFromPem(Encoding.ASCII.GetString(file));
            RSAParameters parameters = key.ExportParameters(includePrivateParameters: false);
            if (Rsa2048.IsModulus(parameters.Modulus) && parameters.Exponent is [1, 0, 1]) return parameters.Modulus!;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            // As any other that is none.
        }

        throw new DeepQuoteFormatException(
            "it is no RSA-2048 public key with exponent 65537: neither 256 bytes of modulus nor PEM (from a certificate, openssl x509 -pubkey -noout makes it)");
    }
}

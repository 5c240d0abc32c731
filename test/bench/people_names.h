// The lists behind the made-up people of people.h.
//
// kSurnames, kWomen and kMen are from the name files of the 1990 census of the United States
// (Census Bureau, dist.all.last, dist.female.first and dist.male.first), a work of the United
// States government and in the public domain (17 U.S.C. 105). A number is the share of the name
// before it, in thousandths of a percent. The lists without numbers were written for this file,
// the most frequent first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace identity_resolve::people {

// The 400 most frequent surnames.
inline constexpr std::string_view kSurnames =
    "Smith 1006 Johnson 810 Williams 699 Jones 621 Brown 621 Davis 480 Miller 424 Wilson 339 "
    "Moore 312 Taylor 311 Anderson 311 Thomas 311 Jackson 310 White 279 Harris 275 Martin 273 "
    "Thompson 269 Garcia 254 Martinez 234 Robinson 233 Clark 231 Rodriguez 229 Lewis 226 Lee "
    "220 Walker 219 Hall 200 Allen 199 Young 193 Hernandez 192 King 190 Wright 189 Lopez 187 "
    "Hill 187 Scott 185 Green 183 Adams 174 Baker 171 Gonzalez 166 Nelson 162 Carter 162 "
    "Mitchell 160 Perez 155 Roberts 153 Turner 152 Phillips 149 Campbell 149 Parker 146 Evans "
    "141 Edwards 137 Collins 134 Stewart 133 Sanchez 130 Morris 125 Rogers 123 Reed 122 Cook "
    "120 Morgan 118 Bell 117 Murphy 117 Bailey 115 Rivera 113 Cooper 113 Richardson 112 Cox 110 "
    "Howard 110 Ward 108 Torres 108 Peterson 107 Gray 106 Ramirez 105 James 105 Watson 103 "
    "Brooks 103 Kelly 102 Sanders 100 Price 99 Bennett 99 Wood 98 Barnes 97 Ross 96 Henderson "
    "95 Coleman 95 Jenkins 95 Perry 94 Powell 93 Long 92 Patterson 92 Hughes 92 Flores 92 "
    "Washington 92 Butler 91 Simmons 91 Foster 91 Gonzales 87 Bryant 87 Alexander 85 Russell 85 "
    "Griffin 84 Diaz 84 Hayes 83 Myers 83 Ford 82 Hamilton 82 Graham 82 Sullivan 81 Wallace 81 "
    "Woods 80 Cole 80 West 80 Jordan 78 Owens 78 Reynolds 78 Fisher 77 Ellis 77 Harrison 76 "
    "Gibson 75 McDonald 75 Cruz 75 Marshall 75 Ortiz 75 Gomez 75 Murray 74 Freeman 74 Wells 73 "
    "Webb 72 Simpson 70 Stevens 70 Tucker 70 Porter 69 Hunter 69 Hicks 69 Crawford 68 Henry 68 "
    "Boyd 68 Mason 68 Morales 67 Kennedy 67 Warren 67 Dixon 66 Ramos 66 Reyes 66 Burns 65 "
    "Gordon 65 Shaw 65 Holmes 65 Rice 64 Robertson 64 Hunt 63 Black 63 Daniels 62 Palmer 62 "
    "Mills 61 Nichols 60 Grant 60 Knight 60 Ferguson 59 Rose 59 Stone 59 Hawkins 59 Dunn 58 "
    "Perkins 58 Hudson 58 Spencer 57 Gardner 57 Stephens 57 Payne 57 Pierce 56 Berry 56 "
    "Matthews 56 Arnold 56 Wagner 55 Willis 55 Ray 55 Watkins 55 Olson 55 Carroll 55 Duncan 55 "
    "Snyder 55 Hart 54 Cunningham 54 Bradley 54 Lane 54 Andrews 54 Ruiz 54 Harper 54 Fox 53 "
    "Riley 53 Armstrong 53 Carpenter 53 Weaver 53 Greene 53 Lawrence 52 Elliott 52 Chavez 52 "
    "Sims 52 Austin 52 Peters 52 Kelley 52 Franklin 51 Lawson 51 Fields 51 Gutierrez 51 Ryan 51 "
    "Schmidt 51 Carr 51 Vasquez 51 Castillo 51 Wheeler 51 Chapman 50 Oliver 50 Montgomery 49 "
    "Richards 49 Williamson 49 Johnston 49 Banks 48 Meyer 48 Bishop 48 McCoy 48 Howell 48 "
    "Alvarez 48 Morrison 48 Hansen 47 Fernandez 47 Garza 47 Harvey 47 Little 46 Burton 46 "
    "Stanley 46 Nguyen 46 George 46 Jacobs 46 Reid 46 Kim 45 Fuller 45 Lynch 45 Dean 45 Gilbert "
    "45 Garrett 45 Romero 45 Welch 44 Larson 44 Frazier 44 Burke 44 Hanson 43 Day 43 Mendoza 43 "
    "Moreno 43 Bowman 43 Medina 42 Fowler 42 Brewer 42 Hoffman 42 Carlson 42 Silva 42 Pearson "
    "42 Holland 42 Douglas 41 Fleming 41 Jensen 41 Vargas 41 Byrd 41 Davidson 41 Hopkins 41 May "
    "40 Terry 40 Herrera 40 Wade 40 Soto 40 Walters 40 Curtis 40 Neal 39 Caldwell 39 Lowe 39 "
    "Jennings 39 Barnett 39 Graves 39 Jimenez 39 Horton 39 Shelton 39 Barrett 39 O'Brien 39 "
    "Castro 39 Sutton 38 Gregory 38 McKinney 38 Lucas 38 Miles 38 Craig 38 Rodriquez 37 "
    "Chambers 37 Holt 37 Lambert 37 Fletcher 37 Watts 37 Bates 37 Hale 37 Rhodes 37 Pena 37 "
    "Beck 37 Newman 36 Haynes 36 McDaniel 36 Mendez 36 Bush 36 Vaughn 36 Parks 35 Dawson 35 "
    "Santiago 35 Norris 35 Hardy 35 Love 35 Steele 35 Curry 35 Powers 35 Schultz 35 Barker 35 "
    "Guzman 34 Page 34 Munoz 34 Ball 34 Keller 34 Chandler 34 Weber 34 Leonard 34 Walsh 33 "
    "Lyons 33 Ramsey 33 Wolfe 33 Schneider 33 Mullins 33 Benson 33 Sharp 33 Bowen 33 Daniel 33 "
    "Barber 32 Cummings 32 Hines 32 Baldwin 32 Griffith 32 Valdez 32 Hubbard 32 Salazar 32 "
    "Reeves 32 Warner 31 Stevenson 31 Burgess 31 Santos 31 Tate 31 Cross 31 Garner 31 Mann 31 "
    "Mack 31 Moss 31 Thornton 31 Dennis 31 McGee 31 Farmer 30 Delgado 30 Aguilar 30 Vega 30 "
    "Glover 30 Manning 30 Cohen 30 Harmon 30 Rodgers 30 Robbins 30 Newton 30 Todd 30 Blair 30 "
    "Higgins 30 Ingram 30 Reese 30 Cannon 30 Strickland 30 Townsend 30 Potter 30 Goodwin 30 "
    "Walton 30 Rowe 29 Hampton 29 Ortega 29 Patton 29 Swanson 29 Joseph 29 Francis 29 Goodman "
    "29 Maldonado 29 Yates 29 Becker 29 Erickson 29 Hodges 29 Rios 29 Conner 29 Adkins 29 "
    "Webster 28 Norman 28 Malone 28 Hammond 28 Flowers 28 Cobb 28";

// The 400 most frequent given names of women.
inline constexpr std::string_view kWomen =
    "Mary 2629 Patricia 1073 Linda 1035 Barbara 980 Elizabeth 937 Jennifer 932 Maria 828 Susan "
    "794 Margaret 768 Dorothy 727 Lisa 704 Nancy 669 Karen 667 Betty 666 Helen 663 Sandra 629 "
    "Donna 583 Carol 565 Ruth 562 Sharon 522 Michelle 519 Laura 510 Sarah 508 Kimberly 504 "
    "Deborah 494 Jessica 490 Shirley 482 Cynthia 469 Angela 468 Melissa 462 Brenda 455 Amy 451 "
    "Anna 440 Rebecca 430 Virginia 430 Kathleen 424 Pamela 416 Martha 412 Debra 408 Amanda 404 "
    "Stephanie 400 Carolyn 385 Christine 382 Marie 379 Janet 379 Catherine 373 Frances 370 Ann "
    "364 Joyce 364 Diane 359 Alice 357 Julie 348 Heather 337 Teresa 336 Doris 335 Gloria 335 "
    "Evelyn 322 Jean 315 Cheryl 315 Mildred 313 Katherine 313 Joan 306 Ashley 303 Judith 297 "
    "Rose 296 Janice 285 Kelly 283 Nicole 281 Judy 276 Christina 275 Kathy 272 Theresa 271 "
    "Beverly 267 Denise 264 Tammy 259 Irene 252 Jane 250 Lori 248 Rachel 242 Marilyn 241 Andrea "
    "236 Kathryn 234 Louise 229 Sara 229 Anne 228 Jacqueline 228 Wanda 226 Bonnie 223 Julia 223 "
    "Ruby 221 Lois 220 Tina 220 Phyllis 219 Norma 218 Paula 217 Diana 216 Annie 216 Lillian 211 "
    "Emily 208 Robin 208 Peggy 208 Crystal 207 Gladys 205 Rita 204 Dawn 202 Connie 200 Florence "
    "200 Tracy 197 Edna 197 Tiffany 195 Carmen 195 Rosa 194 Cindy 192 Grace 189 Wendy 185 "
    "Victoria 180 Edith 179 Kim 178 Sherry 178 Sylvia 177 Josephine 177 Thelma 175 Shannon 175 "
    "Sheila 175 Ethel 174 Ellen 173 Elaine 173 Marjorie 173 Carrie 171 Charlotte 169 Monica 166 "
    "Esther 166 Pauline 165 Emma 165 Juanita 164 Anita 162 Rhonda 162 Hazel 161 Amber 160 Eva "
    "159 Debbie 157 April 154 Leslie 154 Clara 153 Lucille 153 Jamie 153 Joanne 150 Eleanor 150 "
    "Valerie 149 Danielle 149 Megan 147 Alicia 146 Suzanne 145 Michele 145 Gail 145 Bertha 143 "
    "Darlene 142 Veronica 142 Jill 142 Erin 141 Geraldine 141 Lauren 137 Cathy 137 Joann 136 "
    "Lorraine 135 Lynn 135 Sally 135 Regina 133 Erica 130 Beatrice 130 Dolores 129 Bernice 128 "
    "Audrey 127 Yvonne 126 Annette 125 June 125 Samantha 124 Marion 122 Dana 122 Stacy 121 Ana "
    "120 Renee 120 Ida 118 Vivian 118 Roberta 117 Holly 117 Brittany 117 Melanie 116 Loretta "
    "115 Yolanda 115 Jeanette 115 Laurie 114 Katie 113 Kristen 111 Vanessa 111 Alma 111 Sue 111 "
    "Elsie 110 Beth 110 Jeanne 109 Vicki 109 Carla 107 Tara 107 Rosemary 107 Eileen 105 Terri "
    "105 Gertrude 103 Lucy 103 Tonya 102 Ella 101 Stacey 101 Wilma 99 Gina 99 Kristin 99 Jessie "
    "98 Natalie 98 Agnes 98 Vera 98 Willie 97 Charlene 97 Bessie 96 Delores 95 Melinda 94 Pearl "
    "94 Arlene 94 Maureen 92 Colleen 92 Allison 92 Tamara 92 Joy 91 Georgia 91 Constance 91 "
    "Lillie 90 Claudia 90 Jackie 90 Marcia 90 Tanya 89 Nellie 89 Minnie 89 Marlene 88 Heidi 88 "
    "Glenda 88 Lydia 86 Viola 86 Courtney 86 Marian 86 Stella 85 Caroline 85 Dora 84 Jo 83 "
    "Vickie 82 Mattie 81 Terry 80 Maxine 79 Irma 79 Mabel 78 Marsha 78 Myrtle 78 Lena 77 "
    "Christy 77 Deanna 76 Patsy 76 Hilda 75 Gwendolyn 74 Jennie 73 Nora 73 Margie 72 Nina 72 "
    "Cassandra 72 Leah 72 Penny 71 Kay 71 Priscilla 71 Naomi 71 Carole 71 Brandy 70 Olga 70 "
    "Billie 69 Dianne 69 Tracey 69 Leona 69 Jenny 68 Felicia 68 Sonia 68 Miriam 66 Velma 66 "
    "Becky 66 Bobbie 65 Violet 65 Kristina 65 Toni 64 Misty 63 Mae 63 Shelly 62 Daisy 62 Ramona "
    "62 Sherri 62 Erika 61 Katrina 61 Claire 61 Lindsey 60 Lindsay 60 Geneva 59 Guadalupe 59 "
    "Belinda 59 Margarita 59 Sheryl 59 Cora 58 Faye 58 Ada 57 Natasha 57 Sabrina 57 Isabel 57 "
    "Marguerite 56 Hattie 56 Harriet 56 Molly 55 Cecilia 55 Kristi 55 Brandi 55 Blanche 55 "
    "Sandy 55 Rosie 55 Joanna 55 Iris 55 Eunice 54 Angie 54 Inez 53 Lynda 53 Madeline 52 Amelia "
    "52 Alberta 52 Genevieve 51 Monique 51 Jodi 51 Janie 51 Maggie 51 Kayla 51 Sonya 51 Jan 51 "
    "Lee 51 Kristine 51 Candace 51 Fannie 50 Maryann 50 Opal 50 Alison 50 Yvette 50 Melody 50 "
    "Luz 49 Susie 49 Olivia 49 Flora 49 Shelley 49 Kristy 48 Mamie 48 Lula 48 Lola 48 Verna 48 "
    "Beulah 48 Antoinette 48 Candice 46 Juana 46 Jeannette 46 Pam 46 Kelli 46 Hannah 45 Whitney "
    "45 Bridget 45 Karla 44 Celia 44 Latoya 43 Patty 43 Shelia 43 Gayle 43 Della 43 Vicky 43 "
    "Lynne 43 Sheri 42 Marianne 42 Kara 41 Jacquelyn 41 Erma 41 Blanca 41 Myra 40 Leticia 40 "
    "Pat 40 Krista 40 Roxanne 40 Angelica 39 Johnnie 39 Robyn 39 Francis 39 Adrienne 39 Rosalie "
    "39 Alexandra 39 Brooke 39 Bethany 39 Sadie 39 Bernadette 39";

// The 400 most frequent given names of men.
inline constexpr std::string_view kMen =
    "James 3318 John 3271 Robert 3143 Michael 2629 William 2451 David 2363 Richard 1703 Charles "
    "1523 Joseph 1404 Thomas 1380 Christopher 1035 Daniel 974 Paul 948 Mark 938 Donald 931 "
    "George 927 Kenneth 826 Steven 780 Edward 779 Brian 736 Ronald 725 Anthony 721 Kevin 671 "
    "Jason 660 Matthew 657 Gary 650 Timothy 640 Jose 613 Larry 598 Jeffrey 591 Frank 581 Scott "
    "546 Eric 544 Stephen 540 Andrew 537 Raymond 488 Gregory 441 Joshua 435 Jerry 432 Dennis "
    "415 Walter 399 Patrick 389 Peter 381 Harold 371 Douglas 367 Henry 365 Carl 346 Arthur 335 "
    "Ryan 328 Roger 322 Joe 321 Juan 316 Jack 315 Albert 314 Jonathan 313 Justin 311 Terry 311 "
    "Gerald 309 Keith 308 Samuel 306 Willie 302 Ralph 282 Lawrence 282 Nicholas 275 Roy 273 "
    "Benjamin 270 Bruce 263 Brandon 260 Adam 259 Harry 251 Fred 251 Wayne 249 Billy 248 Steve "
    "246 Louis 243 Jeremy 242 Aaron 240 Randy 232 Howard 230 Eugene 230 Carlos 229 Russell 224 "
    "Bobby 223 Victor 222 Martin 216 Ernest 215 Phillip 213 Todd 213 Jesse 209 Craig 206 Alan "
    "204 Shawn 200 Clarence 197 Sean 197 Philip 197 Chris 197 Johnny 195 Earl 193 Jimmy 191 "
    "Antonio 190 Danny 190 Bryan 190 Tony 190 Luis 189 Mike 189 Stanley 186 Leonard 186 Nathan "
    "185 Dale 184 Manuel 181 Rodney 180 Curtis 180 Norman 177 Allen 174 Marvin 171 Vincent 168 "
    "Glenn 167 Jeffery 166 Travis 166 Jeff 166 Chad 165 Jacob 165 Lee 162 Melvin 162 Alfred 162 "
    "Kyle 160 Francis 160 Bradley 159 Jesus 155 Herbert 155 Frederick 154 Ray 153 Joel 152 "
    "Edwin 148 Don 145 Eddie 144 Ricky 141 Troy 138 Randall 138 Barry 134 Alexander 132 Bernard "
    "127 Mario 125 Leroy 125 Francisco 124 Marcus 124 Micheal 123 Theodore 123 Clifford 123 "
    "Miguel 122 Oscar 122 Jay 118 Jim 118 Tom 117 Calvin 115 Alex 115 Jon 115 Ronnie 113 Bill "
    "112 Lloyd 112 Tommy 112 Leon 112 Derek 112 Warren 110 Darrell 108 Jerome 108 Floyd 107 Leo "
    "106 Alvin 105 Tim 104 Wesley 104 Gordon 104 Dean 104 Greg 104 Jorge 104 Dustin 103 Pedro "
    "103 Derrick 103 Dan 101 Lewis 99 Zachary 99 Corey 98 Herman 97 Maurice 97 Vernon 97 "
    "Roberto 97 Clyde 95 Glen 94 Hector 94 Shane 93 Ricardo 93 Sam 92 Rick 91 Lester 91 Brent "
    "90 Ramon 90 Charlie 90 Tyler 89 Gilbert 89 Gene 87 Marc 87 Reginald 84 Ruben 82 Brett 82 "
    "Angel 82 Nathaniel 81 Rafael 81 Leslie 81 Edgar 80 Milton 80 Raul 79 Ben 78 Chester 78 "
    "Cecil 78 Duane 77 Franklin 77 Andre 76 Elmer 74 Brad 73 Gabriel 73 Ron 72 Mitchell 72 "
    "Roland 72 Arnold 72 Harvey 72 Jared 71 Adrian 69 Karl 69 Cory 68 Claude 68 Erik 68 Darryl "
    "67 Jamie 66 Neil 66 Jessie 65 Christian 65 Javier 65 Fernando 65 Clinton 65 Ted 64 Mathew "
    "64 Tyrone 64 Darren 64 Lonnie 64 Lance 63 Cody 63 Julio 63 Kelly 63 Kurt 62 Allan 61 "
    "Nelson 61 Guy 60 Clayton 60 Hugh 60 Max 59 Dwayne 59 Dwight 58 Armando 58 Felix 58 Jimmie "
    "58 Everett 57 Jordan 56 Ian 56 Wallace 56 Ken 55 Bob 55 Jaime 55 Casey 54 Alfredo 54 "
    "Alberto 53 Dave 53 Ivan 53 Johnnie 52 Sidney 52 Byron 52 Julian 52 Isaac 51 Morris 51 "
    "Clifton 50 Willard 50 Daryl 50 Ross 50 Virgil 49 Andy 49 Marshall 49 Salvador 49 Perry 49 "
    "Kirk 49 Sergio 49 Marion 48 Tracy 48 Seth 48 Kent 48 Terrance 48 Rene 48 Eduardo 47 "
    "Terrence 47 Enrique 46 Freddie 46 Wade 45 Austin 44 Stuart 44 Fredrick 43 Arturo 43 "
    "Alejandro 43 Jackie 43 Joey 43 Nick 43 Luther 43 Wendell 42 Jeremiah 42 Evan 42 Julius 42 "
    "Dana 42 Donnie 41 Otis 41 Shannon 40 Trevor 40 Oliver 40 Luke 40 Homer 40 Gerard 40 Doug "
    "40 Kenny 39 Hubert 39 Angelo 39 Shaun 39 Lyle 38 Matt 38 Lynn 38 Alfonso 38 Orlando 37 Rex "
    "37 Carlton 37 Ernesto 37 Cameron 37 Neal 37 Pablo 36 Lorenzo 36 Omar 36 Wilbur 36 Blake 36 "
    "Grant 36 Horace 36 Roderick 36 Kerry 36 Abraham 35 Willis 35 Rickey 35 Jean 35 Ira 35 "
    "Andres 34 Cesar 34 Johnathan 34 Malcolm 34 Rudolph 34 Damon 34 Kelvin 34 Rudy 34 Preston "
    "34 Alton 33 Archie 33 Marco 33 Wm 33 Pete 32 Randolph 32 Garry 32 Geoffrey 32 Jonathon 32 "
    "Felipe 32 Bennie 32 Gerardo 32 Ed 32 Dominic 32 Robin 32 Loren 32 Delbert 31 Colin 31 "
    "Guillermo 31 Earnest 31 Lucas 31 Benny 30 Noel 30 Spencer 30 Rodolfo 30 Myron 30 Edmund 30 "
    "Garrett 29 Salvatore 29 Cedric 29 Lowell 29 Gregg 29 Sherman 28 Wilson 28 Devin 28 "
    "Sylvester 28 Kim 28 Roosevelt 28 Israel 28 Jermaine 28";

inline constexpr std::string_view kSpanishSurnames =
    "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez "
    "Hernández Ruiz Díaz Moreno Muñoz Álvarez Romero Gutiérrez Alonso Navarro Torres Domínguez "
    "Ramos Vázquez Ramírez Gil Serrano Molina Morales Suárez Ortega Delgado Castro Ortiz Marín "
    "Rubio Núñez Sanz Medina Iglesias Cortés Castillo Garrido Santos Guerrero Lozano Cano Méndez "
    "Prieto Cruz Calvo Gallego Vidal León Márquez Herrera Peña Ibáñez Peñalver Zúñiga Güell";

inline constexpr std::string_view kSpanishWomen =
    "María Carmen Ana Isabel Lucía Sofía Marta Elena Laura Cristina Pilar Raquel Rosa Beatriz "
    "Mónica Inés Verónica Rocío Ángela Andrea Patricia Nuria Belén Concepción Begoña Paula "
    "Guadalupe Ximena Valentina Esperanza";

inline constexpr std::string_view kSpanishMen =
    "José Antonio Manuel Francisco Juan David Javier Daniel Jesús Carlos Miguel Alejandro Rafael "
    "Pedro Ángel Pablo Sergio Fernando Luis Jorge Alberto Álvaro Andrés Raúl Iván Óscar Rubén "
    "Ramón Joaquín Íñigo";

inline constexpr std::string_view kGermanSurnames =
    "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer "
    "Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange "
    "Schmitt Werner Schmitz Krause Meier Lehmann Schmid Schulze Maier Köhler Herrmann König Walter "
    "Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn Schubert Vogel Friedrich "
    "Keller Günther Frank Berger Winkler Roth Beck Lorenz Baumann Böhm Jäger Groß Voß Kühn";

inline constexpr std::string_view kGermanWomen =
    "Anna Ursula Monika Petra Sabine Renate Karin Ingrid Andrea Susanne Claudia Birgit Heike "
    "Gisela Martina Käthe Brigitte Katrin Silke Anke Jutta Bärbel Anne-Marie Jana Lena Hannah "
    "Grit Sigrid Hildegard Änne";

inline constexpr std::string_view kGermanMen =
    "Peter Michael Thomas Andreas Wolfgang Klaus Jürgen Günter Stefan Christian Uwe Werner Horst "
    "Frank Dieter Manfred Gerhard Hans Bernd Torsten Matthias Helmut Walter Heinz Jörg Rolf "
    "Karl-Heinz Hans-Peter Lukas Felix Götz Björn";

inline constexpr std::string_view kOtherSurnames =
    "Nguyễn Trần Lê Phạm Silva Santos Ferreira Gonçalves Conceição Araújo Dubois Lefèvre Bélanger "
    "Côté Gagné Lévesque Rossi Russo Esposito Bianchi D'Angelo Nowak Kowalski Wiśniewski Wójcik "
    "Kamiński Zieliński Dąbrowski Łukasik Novák Dvořák Černý Procházka Svoboda Horváth Szabó "
    "Kovács "
    "Tóth Jensen Sørensen Østergaard Nygård Åberg Lindström Sjöberg Björk Yılmaz Öztürk Çelik "
    "Şahin "
    "Popović Jovanović Đorđević Ivanova Petrov Kumar Singh Patel Khan Ali Chen Wang Li Zhang Kim "
    "Park Tanaka Suzuki O'Sullivan Ní-Dhomhnaill Van-Dijk De-Vries";

inline constexpr std::string_view kOtherWomen =
    "Thị Linh Hương Mai Joana Inês Conceição Chloé Zoé Hélène Françoise Anne-Sophie Marie-Claire "
    "Giulia Chiara Zofia Małgorzata Agnieszka Łucja Tereza Kateřina Zsófia Ágnes Søs Åsa Märta "
    "Ayşe Çağla Gülşen Jovana Olga Svetlana Priya Fatima Aisha Mei Xiu Yuki Ji-Woo Siobhán";

inline constexpr std::string_view kOtherMen =
    "Minh Đức Hùng João André Thiago François Jérôme Jean-Pierre Jean-Luc Giuseppe Marco Piotr "
    "Krzysztof Paweł Łukasz Jiří Tomáš Zoltán István Søren Jørgen Lars Åke Göran Mehmet Çağrı "
    "Oğuz Nikola Đorđe Dmitri Ivan Raj Arjun Mohammed Omar Wei Jun Hiroshi Seán";

// Onsets, vowels, endings of syllables and endings of names: rare surnames are put together of
// these.
inline constexpr std::array<std::string_view, 48> kOnsets = {
    "b",  "c",  "d",  "f",  "g",  "h",  "j",  "k",  "l",  "m",  "n",  "p",  "r",  "s",  "t",  "v",
    "w",  "z",  "bl", "br", "ch", "cl", "cr", "dr", "fl", "fr", "gl", "gr", "kl", "kn", "kr", "ph",
    "pl", "pr", "qu", "sc", "sh", "sk", "sl", "sm", "sn", "sp", "st", "sw", "th", "tr", "wh", ""};
inline constexpr std::array<std::string_view, 12> kVowels = {"a",  "e",  "i",  "o",  "u",  "ai",
                                                             "ea", "ee", "ie", "oo", "ou", "y"};
inline constexpr std::array<std::string_view, 20> kCodas = {
    "l", "m",  "n",  "r",  "s",  "t",  "ck", "ll",  "nd", "ng",
    "b", "rn", "rt", "ss", "st", "tt", "x",  "dge", "th", "v"};
inline constexpr std::array<std::string_view, 24> kSurnameEndings = {
    "son",  "man",  "berg", "ton", "er",   "ley",   "ski", "well", "ford", "ham", "ie",    "ing",
    "wood", "land", "ez",   "sen", "mann", "worth", "by",  "o",    "ini",  "kov", "stein", ""};
inline constexpr std::array<std::string_view, 12> kWomenEndings = {
    "a", "ina", "elle", "ia", "ette", "lyn", "isha", "ene", "ie", "ara", "anne", "y"};
inline constexpr std::array<std::string_view, 12> kMenEndings = {
    "o", "on", "us", "ell", "ard", "ey", "in", "an", "ert", "well", "ian", "ez"};

// Names and what their bearers are called.
struct Nicknames {
  std::string_view name;
  std::array<std::string_view, 3> short_names;
};
inline constexpr std::array<Nicknames, 84> kNicknames = {{
    {"Robert", {"Bob", "Rob", "Bobby"}},
    {"William", {"Bill", "Will", "Billy"}},
    {"James", {"Jim", "Jimmy", "Jamie"}},
    {"John", {"Jack", "Johnny", "Jon"}},
    {"Michael", {"Mike", "Mick", "Mikey"}},
    {"Richard", {"Dick", "Rick", "Rich"}},
    {"Charles", {"Chuck", "Charlie", "Chas"}},
    {"Joseph", {"Joe", "Joey", "Jo"}},
    {"Thomas", {"Tom", "Tommy", "Thom"}},
    {"Christopher", {"Chris", "Kit", "Topher"}},
    {"Daniel", {"Dan", "Danny", ""}},
    {"Matthew", {"Matt", "Matty", ""}},
    {"Anthony", {"Tony", "Ant", ""}},
    {"Donald", {"Don", "Donnie", ""}},
    {"Steven", {"Steve", "Stevie", ""}},
    {"Stephen", {"Steve", "Steph", ""}},
    {"Andrew", {"Andy", "Drew", ""}},
    {"Kenneth", {"Ken", "Kenny", ""}},
    {"Joshua", {"Josh", "", ""}},
    {"Edward", {"Ed", "Ted", "Eddie"}},
    {"Ronald", {"Ron", "Ronnie", ""}},
    {"Timothy", {"Tim", "Timmy", ""}},
    {"Jeffrey", {"Jeff", "", ""}},
    {"Gregory", {"Greg", "", ""}},
    {"Patrick", {"Pat", "Paddy", "Rick"}},
    {"Alexander", {"Alex", "Sasha", "Al"}},
    {"Nicholas", {"Nick", "Nicky", ""}},
    {"Benjamin", {"Ben", "Benny", ""}},
    {"Samuel", {"Sam", "Sammy", ""}},
    {"Lawrence", {"Larry", "Laurie", ""}},
    {"Raymond", {"Ray", "", ""}},
    {"Gerald", {"Gerry", "Jerry", ""}},
    {"Walter", {"Walt", "Wally", ""}},
    {"Peter", {"Pete", "", ""}},
    {"Henry", {"Hank", "Harry", ""}},
    {"Arthur", {"Art", "Artie", ""}},
    {"Albert", {"Al", "Bert", ""}},
    {"Frederick", {"Fred", "Freddie", ""}},
    {"Francis", {"Frank", "Fran", ""}},
    {"Leonard", {"Len", "Leo", "Lenny"}},
    {"Theodore", {"Ted", "Theo", ""}},
    {"Philip", {"Phil", "Pip", ""}},
    {"Nathan", {"Nate", "Nat", ""}},
    {"Zachary", {"Zach", "Zack", ""}},
    {"David", {"Dave", "Davy", ""}},
    {"Eugene", {"Gene", "", ""}},
    {"Elizabeth", {"Liz", "Beth", "Betty"}},
    {"Margaret", {"Maggie", "Peggy", "Meg"}},
    {"Katherine", {"Kate", "Kathy", "Katie"}},
    {"Catherine", {"Cathy", "Cate", "Kate"}},
    {"Kathleen", {"Kathy", "Kath", ""}},
    {"Patricia", {"Pat", "Trish", "Patty"}},
    {"Jennifer", {"Jen", "Jenny", ""}},
    {"Barbara", {"Barb", "Babs", ""}},
    {"Susan", {"Sue", "Susie", ""}},
    {"Jessica", {"Jess", "Jessie", ""}},
    {"Sarah", {"Sally", "Sadie", ""}},
    {"Deborah", {"Deb", "Debbie", ""}},
    {"Sandra", {"Sandy", "", ""}},
    {"Christine", {"Chris", "Tina", "Chrissy"}},
    {"Christina", {"Tina", "Chris", ""}},
    {"Rebecca", {"Becky", "Becca", ""}},
    {"Virginia", {"Ginny", "Ginger", ""}},
    {"Dorothy", {"Dot", "Dottie", ""}},
    {"Pamela", {"Pam", "", ""}},
    {"Amanda", {"Mandy", "", ""}},
    {"Samantha", {"Sam", "", ""}},
    {"Victoria", {"Vicky", "Tori", ""}},
    {"Judith", {"Judy", "Jude", ""}},
    {"Jacqueline", {"Jackie", "", ""}},
    {"Kimberly", {"Kim", "", ""}},
    {"Theresa", {"Terry", "Tess", ""}},
    {"Cynthia", {"Cindy", "", ""}},
    {"Mary", {"Molly", "Polly", "Mamie"}},
    {"Francisco", {"Paco", "Pancho", ""}},
    {"José", {"Pepe", "", ""}},
    {"Jesús", {"Chuy", "", ""}},
    {"Guadalupe", {"Lupe", "", ""}},
    {"Wolfgang", {"Wolf", "", ""}},
    {"Stefan", {"Steff", "", ""}},
    {"Susanne", {"Susi", "", ""}},
    {"Matthias", {"Matze", "", ""}},
    {"Małgorzata", {"Gosia", "", ""}},
    {"Katrin", {"Kati", "", ""}},
}};

inline constexpr std::string_view kStreets =
    "Main Second Third First Oak Park Fourth Fifth Maple Pine Cedar Sixth Elm Washington View "
    "Seventh Eighth Lake Hill Walnut Spring Ninth North Ridge Lincoln Church Willow Mill Sunset "
    "Railroad Jackson Cherry West South Tenth Highland Johnson Forest Jefferson Hickory River "
    "Meadow East Broad Chestnut Franklin Center Laurel Dogwood Green Adams Cottage Valley Madison "
    "Poplar Birch Sycamore Monroe Locust Grove Prospect Hillside Liberty Pleasant School Spruce "
    "Union Ash Magnolia Clark Davis Williams Smith Fairview Woodland Harrison "
    "College Front Water Market State High Court Bridge Canal Dock Mulberry Juniper Aspen Hawthorn "
    "Linden Holly Ivy Rose Lilac Orchard Vine Garden Summit Crest Canyon Mesa Prairie Deer Fox "
    "Eagle Hawk Robin Quail Partridge Pheasant Beaver Buffalo Colonial Heritage Patriot Veterans "
    "Memorial Roosevelt Kennedy Grant Sherman Sheridan Hamilton Garfield Cleveland Taylor Tyler "
    "Harvard Princeton Yale Oxford Cambridge Windsor Essex Sussex Devon Kent York Lancaster "
    "Bristol Chester Dover Hampton Stratford Avalon Camelot Arbor Shady Rocky Sandy Crystal Silver "
    "Golden Copper Quarry Foundry Depot";

struct StreetType {
  std::string_view name;
  std::string_view abbreviation;
};
inline constexpr std::array<StreetType, 10> kStreetTypes = {{{"Street", "St"},
                                                             {"Avenue", "Ave"},
                                                             {"Road", "Rd"},
                                                             {"Drive", "Dr"},
                                                             {"Lane", "Ln"},
                                                             {"Court", "Ct"},
                                                             {"Boulevard", "Blvd"},
                                                             {"Place", "Pl"},
                                                             {"Circle", "Cir"},
                                                             {"Terrace", "Ter"}}};
inline constexpr std::array<StreetType, 4> kDirections = {
    {{"North", "N"}, {"South", "S"}, {"East", "E"}, {"West", "W"}}};

// A city is a head and a tail. 37 and 19 have no common divisor: 703 cities are all different.
inline constexpr std::array<std::string_view, 37> kCityHeads = {
    "Green",  "Spring", "Fair",  "Oak",  "River",  "Clear",  "Ash",   "Brook", "Cedar", "Wood",
    "Maple",  "Glen",   "Stone", "Mill", "North",  "West",   "East",  "South", "Lake",  "High",
    "Bridge", "Cross",  "Eagle", "Hart", "Kings",  "Queens", "Marsh", "New",   "Red",   "Rock",
    "Silver", "Sun",    "White", "Wind", "Winter", "Bloom",  "Harris"};
inline constexpr std::array<std::string_view, 19> kCityTails = {
    "field", "ville", "ton",   "burg", "port", "dale",  "haven",  "mont",   "wood", "ford",
    "view",  "brook", "stead", "land", "bury", " City", " Falls", " Grove", "ham"};

inline constexpr std::size_t kCities = 300;

// Area codes of telephone numbers.
inline constexpr std::array<std::uint16_t, 252> kAreaCodes = {
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224,
    225, 228, 229, 231, 234, 239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270,
    281, 301, 302, 303, 304, 305, 307, 308, 309, 310, 312, 313, 314, 315, 316, 317, 318, 319,
    320, 321, 323, 325, 330, 334, 336, 337, 347, 352, 360, 361, 386, 401, 402, 404, 405, 406,
    407, 408, 409, 410, 412, 413, 414, 415, 417, 419, 423, 425, 432, 434, 435, 440, 443, 469,
    478, 479, 480, 501, 502, 503, 504, 505, 507, 508, 509, 510, 512, 513, 515, 516, 517, 518,
    520, 530, 540, 541, 559, 561, 562, 563, 570, 573, 574, 580, 585, 586, 601, 602, 603, 605,
    606, 607, 608, 609, 610, 612, 614, 615, 616, 617, 618, 619, 620, 623, 626, 630, 631, 636,
    641, 646, 650, 651, 660, 661, 662, 678, 701, 702, 703, 704, 706, 707, 708, 712, 713, 714,
    715, 716, 717, 718, 719, 720, 724, 727, 731, 732, 734, 740, 757, 760, 763, 765, 770, 772,
    773, 775, 781, 785, 801, 802, 803, 804, 805, 806, 808, 810, 812, 813, 814, 815, 816, 817,
    818, 828, 830, 831, 832, 843, 845, 847, 850, 856, 858, 859, 860, 863, 864, 865, 870, 901,
    903, 904, 906, 907, 908, 909, 910, 912, 913, 914, 915, 916, 917, 918, 919, 920, 925, 928,
    931, 936, 937, 940, 941, 949, 951, 952, 954, 956, 970, 971, 972, 973, 978, 979, 985, 989};

// Keys beside one another on a keyboard, for a to z.
inline constexpr std::array<std::string_view, 26> kNeighbours = {
    "qwsz",   "vghn",  "xdfv", "serfcx", "wrsd", "drtgvc", "ftyhbv", "gyujnb", "uojk",
    "huikmn", "jiolm", "kop",  "njk",    "bhjm", "iplk",   "ol",     "wa",     "etdf",
    "awedxz", "ryfg",  "yihj", "cfgb",   "qeas", "zsdc",   "tugh",   "asx"};

struct Replacement {
  std::string_view from;
  std::string_view to;
};
// What is heard as the other.
inline constexpr std::array<Replacement, 44> kByEar = {
    {{"ph", "f"},   {"f", "ph"},   {"ck", "k"},    {"c", "k"},     {"k", "c"},   {"ie", "y"},
     {"y", "ie"},   {"ee", "ea"},  {"ea", "ee"},   {"th", "t"},    {"s", "z"},   {"z", "s"},
     {"ll", "l"},   {"nn", "n"},   {"tt", "t"},    {"ss", "s"},    {"rr", "r"},  {"l", "ll"},
     {"n", "nn"},   {"t", "tt"},   {"ou", "u"},    {"ai", "ay"},   {"ay", "ai"}, {"ey", "y"},
     {"sch", "sh"}, {"sh", "sch"}, {"v", "w"},     {"w", "v"},     {"x", "ks"},  {"gh", "g"},
     {"dt", "t"},   {"er", "ar"},  {"sen", "son"}, {"son", "sen"}, {"ei", "ai"}, {"i", "y"},
     {"ow", "ou"},  {"oo", "u"},   {"qu", "kw"},   {"mb", "m"},    {"kn", "n"},  {"wr", "r"},
     {"dge", "ge"}, {"ce", "se"}}};
// What a scanner takes for the other.
inline constexpr std::array<Replacement, 26> kByScanner = {
    {{"m", "rn"}, {"rn", "m"}, {"l", "1"},  {"i", "l"},  {"o", "0"}, {"O", "0"}, {"S", "5"},
     {"B", "8"},  {"cl", "d"}, {"d", "cl"}, {"w", "vv"}, {"h", "b"}, {"e", "c"}, {"u", "ii"},
     {"0", "O"},  {"1", "l"},  {"5", "S"},  {"8", "B"},  {"I", "l"}, {"t", "f"}, {"n", "ri"},
     {"a", "o"},  {"G", "6"},  {"Z", "2"},  {"2", "Z"},  {"g", "q"}}};

// A letter with an accent, without it, and as it is written where there is none.
struct Accent {
  std::string_view letter;
  std::string_view plain;
  std::string_view spelled;
};
inline constexpr std::string_view kAccents =
    "à a a á a a â a a ã a a ä a ae å a aa ą a a ç c c č c c ć c c đ d dj è e e é e e ê e e ë e e "
    "ě e e ễ e e ę e e ğ g g í i i ì i i î i i ı i i ł l l ñ n n ń n n ň n n ó o o ò o o ô o o ö o "
    "oe õ o o ø o oe ř r r ś s s ş s s š s s ß ss ss ú u u ù u u ü u ue ů u u ư u u ứ u u ơ o o ý "
    "y y ź "
    "z "
    "z ż z z ž z z ạ a a ầ a a ị i i Á A A Å A Aa Ä A Ae Č C C Ç C C Đ D Dj É E E Í I I Ł L L Ó O "
    "O Ö O Oe Ø O Oe Ş S S Ś S S Š S S Ú U U Ü U Ue Ý Y Y Ž Z Z Ż Z Z";

inline constexpr std::array<std::string_view, 10> kCommonDomains = {
    "gmail.com", "yahoo.com",  "hotmail.com", "outlook.com", "aol.com",
    "gmail.com", "icloud.com", "comcast.net", "gmx.de",      "msn.com"};
inline constexpr std::array<std::string_view, 5> kDomainTails = {".com", ".net", ".org", ".co",
                                                                 ".us"};
inline constexpr std::array<std::string_view, 12> kCompanyWords = {
    "tech",  "group",   "works", "systems",   "partners", "foods",
    "media", "medical", "labs",  "logistics", "supply",   "design"};
inline constexpr std::array<std::string_view, 6> kTags = {"news",  "shop",     "work",
                                                          "spam2", "invoices", "home"};

}  // namespace identity_resolve::people
